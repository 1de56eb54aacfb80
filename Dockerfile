# Rackwright's server: one static program on a small Debian. Build: docker build -t rackwright .
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# outside a clone (no .git in the context) there is no commit to stamp
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o /out/ ./cmd/rackwright ./cmd/rackwright-agent

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl libcap2-bin \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10480 --home-dir /var/lib/rackwright --shell /usr/sbin/nologin rackwright \
 && install -d -o rackwright -g rackwright -m 0700 /var/lib/rackwright
COPY --from=build /out/rackwright /out/rackwright-agent /usr/local/bin/
# ports 67, 69 and 4011, raw DHCP frames and neighbour entries for a user that is not root. The container must be
# given the same three (cap_add), and must not be run with no-new-privileges, which ignores file capabilities.
RUN setcap cap_net_bind_service,cap_net_raw,cap_net_admin+ep /usr/local/bin/rackwright
USER rackwright
VOLUME /var/lib/rackwright
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8480/api/v1/health"]
ENTRYPOINT ["rackwright"]
CMD ["serve", "--config", "/etc/rackwright/rackwright.toml"]
