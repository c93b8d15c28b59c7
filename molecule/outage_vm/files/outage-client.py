# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a row a second into the database, and can say afterwards which ones are missing.

``outage-client write`` runs until it is ended, and notes each try in /var/lib/outage/client.log: sequence number, time,
seconds it took, ok or the error. ``outage-client report SINCE`` compares that with the table, from that time (seconds
since 1970) on, as JSON. ``outage-client wait`` returns when the server answers and the writer has had a row taken.
"""

import json
import sys
import time

import pymysql

LOG = '/var/lib/outage/client.log'
PATIENCE = 60


def connect():
    return pymysql.connect(host='127.0.0.1', user='client', password='client', database='outage', autocommit=True,
                           connect_timeout=PATIENCE, read_timeout=PATIENCE, write_timeout=PATIENCE)


def write():
    connection = None
    with open(LOG, 'a', buffering=1) as log:
        while True:
            now = time.time()
            sequence = int(now * 1000)
            try:
                connection = connection or connect()
                with connection.cursor() as cursor:
                    cursor.execute('INSERT INTO entries VALUES (%s, %s)', (sequence, now))
                outcome = 'ok'
            except (pymysql.Error, OSError) as error:
                connection, outcome = None, 'error %s' % str(error).replace('\n', ' ')
            took = time.time() - now
            log.write('%d %.3f %.3f %s\n' % (sequence, now, took, outcome))
            time.sleep(max(0, 1 - took))


def wait():
    """A server that was killed fills its memory again before it answers, and the writer may still wait for the old."""
    asked = time.time()
    for _attempt in range(180):
        try:
            connect().close()
            if any(outcome == 'ok' for _seq, _took, outcome in tries(asked)):
                return
        except (pymysql.Error, OSError):
            pass
        time.sleep(1)
    sys.exit('the database does not serve')


def tries(since):
    """(sequence number, seconds it took, outcome) of what the writer tried from a time on."""
    with open(LOG) as log:
        lines = [line.rstrip('\n').split(' ', 3) for line in log]
    return [(int(seq), float(took), outcome) for seq, at, took, outcome in lines if float(at) >= since]


def stored():
    """The rows that are in the table, or None where no server answers."""
    try:
        with connect().cursor() as cursor:
            cursor.execute('SELECT seq FROM entries')
            return {row[0] for row in cursor.fetchall()}
    except (pymysql.Error, OSError):
        return None


def report(since):
    found = tries(since)
    rows = stored()
    failed = [outcome for _seq, _took, outcome in found if outcome != 'ok']
    missing = [seq for seq, _took, outcome in found if outcome == 'ok' and seq not in rows] if rows is not None else []
    print(json.dumps({
        'serves': rows is not None,
        'tries': len(found),
        'lost': len(failed) + len(missing),
        'failed': len(failed),
        'missing': len(missing),
        'slowest_seconds': max([took for _seq, took, _outcome in found] or [None]),
        'errors': sorted(set(failed))[:3],
    }))


if __name__ == '__main__':
    if sys.argv[1] == 'report':
        report(float(sys.argv[2]))
    else:
        {'write': write, 'wait': wait}[sys.argv[1]]()
