"""Clouds in a box. Rule: each speaks one provider's dialect over real sockets, checks credentials, and is proved with
that provider's own client before ours is tried against it."""
