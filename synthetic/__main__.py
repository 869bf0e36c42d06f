"""Entry point of `python -m synthetic`."""

from synthetic.cli import app

if __name__ == "__main__":
    app()
