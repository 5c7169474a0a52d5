"""Exit code 0 where the service in this container says that it is ready. Needs nothing but the standard library."""

import http.client
import os
import sys


def main() -> int:
    """Asks once; the engine asks again."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PACKHORSE_HTTP_PORT"]), timeout=4)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode())
    except OSError as error:
        sys.stdout.write(str(error))
        return 1
    return int(answer.status != http.client.OK)


if __name__ == "__main__":
    sys.exit(main())
