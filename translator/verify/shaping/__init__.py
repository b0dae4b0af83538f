"""Events as the targets index them: rows of source tables, put where the catalog says that a product has their columns.

A reader of SPL, ES|QL, EQL or Sigma runs the written text on them, so that a wrong name or type in it shows as well as wrong logic.
"""

from translator.verify.shaping.shaped import FAMILIES, Shaping, shaped
from translator.verify.shaping.shapes import Shape, Shaped, Unshaped

__all__ = ["FAMILIES", "Shape", "Shaped", "Shaping", "Unshaped", "shaped"]
