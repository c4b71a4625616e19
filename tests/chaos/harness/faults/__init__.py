"""Faults: what a story does to its world while events flow. One file each."""

from tests.chaos.harness.faults.fault import Fault

__all__ = ["Fault"]
