#!/usr/bin/python3
"""Write arrays.npz, the .npz file of the reader's tests: data, numeric labels, text labels."""
import os

import numpy as np

np.savez(os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrays.npz"),
         X=(np.arange(12).reshape(4, 3) / 2).astype("f4"), y=np.array([1, 0, 1, 2]), kind=np.array(list("abac")))
