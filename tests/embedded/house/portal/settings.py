import os
from pathlib import Path

from portal.embedded.layout import Layout

EMBEDDED = Layout(Path(os.environ["PORTCULLIS_DATA"]))
DATABASE = os.environ.get("DATABASE_URL") or EMBEDDED.database_url
CELERY_BROKER_URL = os.environ.get("REDIS_URL") or EMBEDDED.redis_url
CELERY_BEAT_SCHEDULE = {"tick": {"task": "tick", "schedule": 1.0, "options": {"queue": "portcullis"}}}
