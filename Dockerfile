# The image: the binary, the parts of glibc that it asks for, and nothing else. It runs as 65532 on a read-only root;
# with SQLite, /data is what it writes to.
#
#     docker build -t portcullis --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" .
#     docker build -t portcullis --build-arg BINARY=files .    # with the binary that packaging/release made
#
# Templates, style sheets, migrations and the roots of TLS are compiled in.
ARG BINARY=build
ARG RUST=1.95.0

FROM docker.io/library/rust:${RUST}-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
WORKDIR /portcullis
COPY . .
ARG COMMIT=
RUN PORTCULLIS_BUILD_COMMIT="$COMMIT" CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_DEBUG=false \
    cargo build --release --locked --package portcullis --bin portcullis && cp target/release/portcullis /portcullis.bin

FROM scratch AS files
COPY target/release-files/portcullis /portcullis.bin

FROM ${BINARY} AS binary

FROM docker.io/library/debian:bookworm-slim AS parts
COPY --from=binary /portcullis.bin /portcullis.bin
COPY packaging/image /packaging/image
RUN /packaging/image /portcullis.bin /image

FROM scratch
ARG COMMIT=
LABEL org.opencontainers.image.title="Portcullis" \
    org.opencontainers.image.description="A multi-tenant OAuth 2.0 / OpenID Connect authorization server" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${COMMIT}"
COPY --from=parts /image /
# In a container the network is its own: what is published decides who reaches it. Never publish 8001.
ENV ROCKET_ADDRESS=0.0.0.0 PORTCULLIS_MANAGEMENT_ADDRESS=0.0.0.0:8001
USER 65532:65532
VOLUME /data
EXPOSE 8000 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/portcullis", "health"]
ENTRYPOINT ["/portcullis"]
CMD ["serve"]
