"""Tables that several tests use."""
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def table(part, task="diabetes"):
    """X (a frame) and y of a table of the examples."""
    import pandas as pd

    frame = pd.read_csv(ROOT / "examples" / "data" / ("%s.%s.csv" % (task, part)))
    target = frame.columns[-1]
    return frame.drop(columns=target), frame[target]


@pytest.fixture
def numbers():
    """y = sin(2 x1 - x2), of five columns."""
    X = np.random.default_rng(0).normal(size=(200, 5))
    return X, np.sin(2 * X[:, 0] - X[:, 1])


@pytest.fixture
def classes(numbers):
    """Three classes by the same."""
    X, y = numbers
    return X, np.array(["low", "middle", "high"])[np.digitize(y, [-0.5, 0.5])]
