"""Events saved with what each rule must do on them, and later translations tried on these: a kit for regressions.

A rule's folder of a kit has the events as each product loads them, and a manifest that says which of them must alert.
"""

from __future__ import annotations

from translator.verify.kit.manifests import BrokenKit, Kit, digest_of_files, kit_files, read_kit, rule_folders
from translator.verify.kit.replaying import Replay
from translator.verify.kit.saving import files_of

__all__ = ["BrokenKit", "Kit", "Replay", "digest_of_files", "files_of", "kit_files", "read_kit", "rule_folders"]
