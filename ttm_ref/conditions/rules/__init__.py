"""The rules behind `conditions.parser`: words and tags, noun phrases, clauses, who is who, and what is said of it."""
