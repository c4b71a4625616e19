# One image for each service: docker build --build-arg SERVICE=rag -t workbench-rag .
FROM python:3.11-slim-bookworm AS build
ARG SERVICE
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/build.txt requirements/${SERVICE}.txt requirements/
RUN python -m venv /venv \
    && pip install --require-hashes -r requirements/build.txt \
    && /venv/bin/pip install --require-hashes -r requirements/${SERVICE}.txt
COPY pyproject.toml README.md LICENSE ./
COPY contracts contracts
COPY kit kit
COPY services/__init__.py services/
COPY services/${SERVICE} services/${SERVICE}
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /venv/bin/pip install --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
ARG SERVICE
ARG REVISION=unknown
LABEL org.opencontainers.image.title="workbench-${SERVICE}" \
      org.opencontainers.image.description="The ${SERVICE} service of the LLM Research Engineer Workbench" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
# A named volume mounted at /blobs takes over this folder's owner.
RUN install -d -o 10001 -g 10001 /blobs
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HOME=/tmp/huggingface SERVICE=${SERVICE}
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
# The shell only puts the service's name in, then becomes the service, so SIGTERM reaches it.
CMD ["sh", "-c", "exec python -m services.${SERVICE}"]
