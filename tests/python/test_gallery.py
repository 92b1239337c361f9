"""Every script of examples/python runs from the repository, and says what NAME.expected holds."""
import os
import subprocess
import sys

import pytest
from conftest import ROOT

FOLDER = ROOT / "examples" / "python"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_script_says_what_is_expected(name, tmp_path):
    for module in ("sklearn", "pandas", "matplotlib"):
        pytest.importorskip(module)
    os.symlink(ROOT / "examples", tmp_path / "examples")  # what it writes stays there
    out = subprocess.run([sys.executable, FOLDER / (name + ".py")], cwd=tmp_path, capture_output=True, text=True,
                         env=os.environ | {"MPLBACKEND": "Agg"})
    assert out.returncode == 0, out.stderr
    assert out.stdout == (FOLDER / (name + ".expected")).read_text()


def test_there_are_five():
    assert len(list(FOLDER.glob("*.py"))) == 5
