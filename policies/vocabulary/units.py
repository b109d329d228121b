"""Quantities with their bounds and units as metadata, from which a configuration knows how they are written."""

from typing import Annotated

from msgspec import Meta

Duration = Annotated[float, Meta(extra={"unit": "seconds"})]
Timeout = Annotated[float, Meta(gt=0, extra={"unit": "seconds"})]  # a limit of zero would refuse everything
Percent = Annotated[float, Meta(ge=0, le=1, extra={"unit": "percent"})]  # held as a share, written as `20%`
Share = Annotated[float, Meta(gt=0, lt=1)]  # written as it is held, for quantiles
Dollars = Annotated[float, Meta(ge=0, extra={"unit": "USD"})]
Weight = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]

Name = Annotated[str, Meta(extra={"unit": "name"})]  # of a deployment, a tag
Function = Annotated[str, Meta(extra={"unit": "function"})]  # `module:function`, of the operator's own code
