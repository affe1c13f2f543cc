"""The rules behind `conditions.parser`: words, tags, noun phrases, clauses, who is who, and the sentences made of it."""
