"""Routers as sites write them."""


class PrimaryReplicaRouter:
    """The one of Django's documentation, with one replica."""

    def db_for_read(self, model, **hints):
        return "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, obj1, obj2, **hints):
        db_set = {"default", "replica"}
        if obj1._state.db in db_set and obj2._state.db in db_set:
            return True
        return None

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return True


class VideosRouter:
    """Our tables in a database of their own, and not a word about anything else."""

    def db_for_read(self, model, **hints):
        return "videos" if model._meta.app_label == "seedance" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "videos") == (app_label == "seedance")
