#!/usr/bin/env python3
"""Counting over one table: the target filter through HTTP beside DuckDB in its own process, alternately, medians and ratio.

    cargo xtask bench --only filter

It starts a gateway of its own over the components that `spin.toml` names, on a free port and in a temporary folder, and stops it.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb

SQL = {
    "five": "brand = 'mzone' and arpu >= 8000 and tenure_months between 12 and 96 and data_kb >= 1048576"
    " and city in ('c03', 'c07', 'c11', 'c19')",
    "sorted": "opened_on >= 19723 and arpu >= 8000",
    "unsorted": "tenure_months >= 110 and arpu >= 8000",
}


def resident_mb(process_id):
    status = pathlib.Path(f"/proc/{process_id}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024


def start(arguments, folder):
    """Starts a gateway; its address, its first key, the process."""
    log = open(folder / "log", "w+")
    command = [arguments.gateway, "up", "--listen", arguments.listen, "--state-dir", str(folder / "state"), "-c", "customer-dataset", "-c", "target-filter"]
    process = subprocess.Popen(command, cwd=arguments.root, stdout=log, stderr=subprocess.STDOUT)
    for _ in range(600):
        text = (folder / "log").read_text()
        key = re.search(r"chd_[a-z2-7]{12}_[A-Za-z0-9_-]{43}", text)
        # The port is known once it listens; then the key has been printed as well.
        address = re.search(r"http://127\.0\.0\.1:\d+", text)
        if key and address:
            return address.group(0), key.group(0), process
        if process.poll() is not None:
            sys.exit(f"the gateway ended:\n{text}")
        time.sleep(0.1)
    process.terminate()
    sys.exit(f"the gateway does not listen:\n{(folder / 'log').read_text()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--root", default=".")
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=30)
    arguments = parser.parse_args()
    arguments.gateway = os.path.abspath(arguments.gateway)
    print(f"DuckDB {duckdb.__version__}, {os.cpu_count()} cores")
    for customers in arguments.customers:
        with tempfile.TemporaryDirectory() as name:
            compare(arguments, pathlib.Path(name), customers)


def compare(arguments, folder, customers):
    url, key, gateway = start(arguments, folder)
    try:
        table = folder / "table.csv"
        begun = time.monotonic()
        subprocess.run([arguments.tool, "publish", url, key, str(customers), str(table)], check=True)
        print(f"{customers} customers published in {time.monotonic() - begun:.1f} s")
        connection = duckdb.connect()
        connection.execute(f"create table t as select * from read_csv('{table}')")
        for question, condition in SQL.items():
            ours, theirs = [], []
            statement = f"select count(*) from t where {condition}"
            connection.execute(statement).fetchone()
            for _ in range(arguments.rounds):
                command = [arguments.tool, "measure", url, key, question, str(arguments.requests)]
                told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                ours.append(statistics.median(told["ms"]))
                each = []
                for _ in range(arguments.requests):
                    begun = time.perf_counter()
                    counted = connection.execute(statement).fetchone()[0]
                    each.append((time.perf_counter() - begun) * 1000)
                theirs.append(statistics.median(each))
            if counted != told["selected"]:
                sys.exit(f"{question}: {told['selected']} selected, DuckDB says {counted}")
            ratio = statistics.median(own / other for own, other in zip(ours, theirs))
            print(
                f"{customers:>10} {question:<9} filter {statistics.median(ours):7.2f} ms  DuckDB {statistics.median(theirs):7.2f} ms"
                f"  ratio {ratio:5.2f}  selected {counted}  segments decided {told['segments_decided']}/{told['segments']}"
            )
        print(f"gateway with all instances: {resident_mb(gateway.pid)} MB resident")
    finally:
        gateway.terminate()
        gateway.wait()


if __name__ == "__main__":
    main()
