"""Google's API addresses, and the paths of models in them."""

from urllib.parse import quote


def model_path(resource: str, collection: str, model: str) -> bytes:
    """The model's path; a name with a slash includes its collection (``tunedModels/x``, ``endpoints/1``)."""
    path = "/".join(part for part in (resource, model if "/" in model else collection + model) if part)
    return b"/" + quote(path, safe="/").encode("ascii")


def vertex_root(location: str) -> str:
    """The root of Vertex AI's API: the global one, a multi-region's, or a region's own."""
    if location == "global":
        return "https://aiplatform.googleapis.com/v1"
    if location in ("us", "eu"):
        return f"https://aiplatform.{location}.rep.googleapis.com/v1"
    return f"https://{location}-aiplatform.googleapis.com/v1"
