def encode(data: str) -> str:
    return ""


def bars(code: str, size: float) -> tuple[tuple[float, float, float, float], ...]:
    return ()
