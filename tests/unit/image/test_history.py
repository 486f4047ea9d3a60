"""What an image's history tells of its layers."""

from __future__ import annotations

import pytest

from relbuild.image.history import release_layers

OTP, APP = "COPY /layers/otp/ / # buildkit", "COPY /layers/app-3/ / # buildkit"
DEBIAN = "# debian.sh --arch 'amd64' out/ 'trixie'"


@pytest.mark.parametrize(
    ("history", "count"),
    [
        ((DEBIAN, "WORKDIR /app", OTP, APP, "LABEL a=b", 'ENTRYPOINT ["/app/bin/a"]'), 2),
        ((DEBIAN, OTP, "EXPOSE 4000", APP), 2),
        # Built on an image of relbuild's own, or on by somebody else.
        ((DEBIAN, OTP, APP, "WORKDIR /app", OTP, APP), 0),
        ((DEBIAN, OTP, APP, "COPY /key /key # buildkit"), 0),
        ((DEBIAN, OTP, APP, "RUN /bin/sh -c rm /app/a # buildkit"), 0),
        ((DEBIAN, "COPY /rootfs/ / # buildkit"), 0),
        ((), 0),
    ],
)
def test_the_layers_of_the_release_are_the_uppermost(history: tuple[str, ...], count: int) -> None:
    assert release_layers(history) == count
