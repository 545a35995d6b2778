"""Settings for a Superset that lives as long as a test; SUPERSET_HOME says where it keeps its own tables."""
import os

SECRET_KEY = 'only for a test on this machine'
SQLALCHEMY_DATABASE_URI = 'sqlite:///%s/superset.db' % os.environ['SUPERSET_HOME']
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
