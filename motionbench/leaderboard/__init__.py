"""The board: runs are added as entries, checked, and built into tables; what papers report stands apart."""

from motionbench.leaderboard.build import BoardWarning, build
from motionbench.leaderboard.check import Problem, check
from motionbench.leaderboard.freeze import freeze
from motionbench.leaderboard.submit import add

__all__ = ["BoardWarning", "Problem", "add", "build", "check", "freeze"]
