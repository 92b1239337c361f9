"""What the documents show in Python runs."""
import re

import pytest
from conftest import ROOT

pytest.importorskip("pandas")


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_the_python_of_a_document_runs(name, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / name).read_text(), flags=re.S | re.M)
    assert blocks
    space = {}
    for block in blocks:
        exec(block, space)  # noqa: S102
    assert "0.469089" in capsys.readouterr().out  # what the program says of the same table, 0.46909
