from celery import Celery

app = Celery("portcullis")
app.config_from_object("portal.settings", namespace="CELERY")


@app.task(name="tick")
def tick():
    print("tick", flush=True)
