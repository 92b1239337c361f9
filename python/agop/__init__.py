"""agop: kernel machines that learn features by the average gradient outer product."""

from agop._dependence import Dependence, Pair, Winner, ids
from agop._estimators import RFMClassifier, RFMRegressor
from agop._gradients import agop, agop_of
from agop._native import (AgopError, AgopIOError, AgopMemoryError, AgopStoppedError, AgopUnsupportedError, AgopValueError,
                          version)
from agop._plots import DependenceDisplay, EigenvectorsDisplay, ImportancesDisplay, LearningPathDisplay
from agop._programs import Program, Programs

__version__ = version()
__all__ = ["AgopError", "AgopIOError", "AgopMemoryError", "AgopStoppedError", "AgopUnsupportedError", "AgopValueError",
           "Dependence", "DependenceDisplay", "EigenvectorsDisplay", "ImportancesDisplay", "LearningPathDisplay", "Pair",
           "Program", "Programs", "RFMClassifier", "RFMRegressor", "Winner", "agop", "agop_of", "ids"]
