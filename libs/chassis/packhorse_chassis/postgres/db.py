"""asyncpg's classes, with their row type where a type checker looks: at run time they take no parameters."""

from typing import TYPE_CHECKING

import asyncpg
import asyncpg.pool

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    OwnConnection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    OwnConnection = asyncpg.Connection
    PooledConnection = asyncpg.pool.PoolConnectionProxy

Connection = OwnConnection | PooledConnection
