"""Health, version and metrics."""

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kit.health import BUILD_VERSION, Health
from services.rag.api.parts import Rag


def health_router(health: Health) -> APIRouter:
    """The paths /health /livez /readyz /version /metrics of a service whose dependencies `health` knows."""
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    @router.get("/health")
    async def livez() -> dict[str, str]:
        """Answers while the process can answer."""
        return {"status": "ok", "service": health.service}

    @router.get("/readyz")
    async def readyz(response: Response) -> dict[str, Any]:
        """Asks every dependency; 503 if one does not answer."""
        ready, dependencies = await health.ready()
        response.status_code = 200 if ready else 503
        return {"status": "ok" if ready else "not_ready", "dependencies": dependencies}

    @router.get("/version")
    async def version(rag: Rag) -> dict[str, Any]:
        """The build, and the models it runs."""
        llm = rag.llm
        models = {"embedding": rag.embedder.name, "llm": f"{llm.provider}/{llm.model}"}
        return {"service": health.service, "version": BUILD_VERSION, "models": models}

    @router.get("/metrics")
    async def metrics() -> Response:
        """Every metric of this process, as Prometheus reads them."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
