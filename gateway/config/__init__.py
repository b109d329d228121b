"""Configuration: YAML in, one frozen Config out, every problem reported with its file, line and path."""

from gateway.config.load import load
from gateway.config.problem import ConfigError, Problem
from gateway.config.schema import Config
from gateway.config.secret import Secret

__all__ = ["Config", "ConfigError", "Problem", "Secret", "load"]
