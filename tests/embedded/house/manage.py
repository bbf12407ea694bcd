import os
import sys

import psycopg

from portal.settings import DATABASE

verb = sys.argv[1]
if os.environ.get("REFUSE") == verb:
    sys.exit(f"{verb} says no")
with psycopg.connect(DATABASE) as connection:
    if verb == "migrate":
        connection.execute("CREATE TABLE IF NOT EXISTS start (words text)")
    if verb == "setup":
        connection.execute("INSERT INTO start VALUES (%s)", [" ".join(sys.argv[2:])])
    if verb == "welcome":
        starts = connection.execute("SELECT words FROM start").fetchall()
        print(f"Welcome, start {len(starts)} {starts[-1][0]}".rstrip())
        print("Slack", os.environ["PORTCULLIS_SLACK_TOKEN"], os.environ.get("PORTCULLIS_SLACK_API_URL"))
