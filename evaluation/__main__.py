"""`python -m evaluation`."""

from evaluation.cli import app

if __name__ == "__main__":
    app(prog_name="python -m evaluation")
