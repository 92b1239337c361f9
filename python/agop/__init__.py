"""agop: kernel machines that learn features by the average gradient outer product."""

from agop._estimators import RFMClassifier, RFMRegressor
from agop._native import AgopError, AgopIOError, AgopMemoryError, AgopStoppedError, AgopValueError, version

__version__ = version()
__all__ = ["AgopError", "AgopIOError", "AgopMemoryError", "AgopStoppedError", "AgopValueError", "RFMClassifier",
           "RFMRegressor"]
