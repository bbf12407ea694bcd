import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from portal.kit.lengths import with_length

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = with_length(get_wsgi_application())

# What is loaded by now stays for good: the collector need not walk it again for every few thousand objects made.
get_resolver().url_patterns  # noqa: B018 - loads the views, and all that they import
gc.collect()
gc.freeze()
