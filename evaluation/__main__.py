"""`python -m evaluation`."""

from evaluation.cli import app
from evaluation.ending import end_when_told

if __name__ == "__main__":
    end_when_told()
    app(prog_name="python -m evaluation")
