# syntax=docker/dockerfile:1
# The first stage builds an environment from the lock files; the second is that environment and nothing else.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN ["python", "-m", "venv", "/opt/driftline"]
RUN ["python", "-m", "venv", "/opt/build"]
COPY requirements.lock requirements-build.lock ./
RUN ["/opt/driftline/bin/pip", "install", "--no-cache-dir", "--require-hashes", "--no-deps", "-r", "requirements.lock"]
RUN ["/opt/build/bin/pip", "install", "--no-cache-dir", "--require-hashes", "--no-deps", "-r", "requirements-build.lock"]
COPY pyproject.toml README.md LICENSE ./
COPY monitor ./monitor
RUN ["/opt/build/bin/pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "/wheels", "."]
RUN ["/opt/driftline/bin/pip", "install", "--no-cache-dir", "--no-deps", "--no-index", "--find-links", "/wheels", "driftline"]

FROM python:3.11-slim-bookworm
ENV PATH=/opt/driftline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/driftline /opt/driftline
# A number, so that an orchestrator can see that it is not root. Nothing in the image belongs to it.
USER 10001:10001
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["driftline"]
CMD ["worker"]
