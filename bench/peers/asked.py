"""What peers have in common once they run: they are asked over one link, and let go of it."""


class Asked:
    link = None  # rows(sql), run(sql), close()

    def rows(self, sql):
        return self.link.rows(sql)

    def run(self, sql):
        return self.link.run(sql)

    def stop(self):
        if self.link:
            self.link.close()


class Served(Asked):
    """By processes of our own."""
    processes = None

    def memory(self):
        return self.processes.megabytes()

    def stop(self):
        super().stop()
        self.processes.stop()
