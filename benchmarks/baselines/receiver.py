"""A webhook receiver that accepts everything at once."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/webhooks", status_code=204)
async def receive() -> None:
    """Accept a delivery."""
