"""``python -m translator``: the command ``kql2sigma``, where scripts are in no path."""

from translator.cli import main

if __name__ == "__main__":
    main(prog_name="kql2sigma")
