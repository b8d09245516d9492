"""IBM's runtime service (stub for the moment)."""

from rehearsal.server import Vendor


class Ibm(Vendor):
    def environment(self, port):
        return {"http_proxy": f"http://127.0.0.1:{port}"}

    def routes(self):
        return []


VENDOR = Ibm
