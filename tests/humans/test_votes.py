"""Reading votes: what is a vote, and which line is none."""

from __future__ import annotations

import pytest

from motionbench.errors import DataError
from motionbench.humans import COLUMNS, Vote, read_votes

HEAD = ",".join(COLUMNS) + "\n"


def write(tmp_path, text, **kind):
    path = tmp_path / "votes.csv"
    path.write_bytes(text.encode(kind.get("encoding", "utf-8")))
    return path


def test_reads_what_a_spreadsheet_writes(tmp_path):
    text = "\ufeff" + HEAD.replace("\n", "\r\n") + 'dog,ours,"theirs, v2","Which, ""really""?",tie,Zoë\r\n\r\n'
    assert read_votes(write(tmp_path, text)) == (Vote("dog", "ours", "theirs, v2", 'Which, "really"?', "tie", "Zoë"),)


def test_sides_have_no_meaning():
    one, other = Vote("c", "x", "y", "q", "a", "r"), Vote("c", "y", "x", "q", "b", "r")
    assert one.pair == other.pair == ("x", "y") and one.sign == other.sign == 1
    assert Vote("c", "y", "x", "q", "a", "r").sign == -1 and Vote("c", "y", "x", "q", "tie", "r").sign == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "does not start with case_id"),
        ("case_id,system_a\n", "does not start with"),
        (HEAD.replace("vote", "Vote"), "does not start with"),
        (HEAD, "holds no votes"),
        (HEAD + "c,x,y,q,a\n", "line 2: 5 fields"),
        (HEAD + "c,x,y,q,a,r,\n", "line 2: 7 fields"),
        (HEAD + "c,x,y,q,A,r\n", "line 2: the vote is 'A'"),
        (HEAD + "c,x,y,q,left,r\n", "line 2: the vote is 'left'"),
        (HEAD + "c,x,y, ,a,r\n", "line 2: question is empty"),
        (HEAD + "c,x,x,q,a,r\n", "line 2: 'x' is compared with itself"),
        (HEAD + "c,x,y,q,a,r\n\nd,x,y,q,a,r\nc,y,x,q,tie,r\n", "line 5: 'r' has answered this already, in line 2"),
        (HEAD + 'c,"x,y,q,a,r\n', "is no CSV"),
        (HEAD + f"c,{'x' * 1001},y,q,a,r\n", "line 2: system_a is longer"),
        (HEAD + "c,x\0,y,q,a,r\n", "NUL"),
    ],
)
def test_bad_files(tmp_path, text, fault):
    with pytest.raises(DataError, match=fault) as caught:
        read_votes(write(tmp_path, text))
    assert "\n" not in caught.value.message


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="UTF-8"):
        read_votes(write(tmp_path, HEAD + "c,x,y,q,a,Zoë\n", encoding="latin-1"))
    with pytest.raises(DataError, match="cannot read"):
        read_votes(tmp_path / "nowhere.csv")
