"""The demo: all of Pollwatch on this machine for one story of three minutes, shown live; leaves nothing behind."""

from streams.demo.run import run_demo

__all__ = ["run_demo"]
