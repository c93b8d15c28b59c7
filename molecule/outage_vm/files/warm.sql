-- Runs whenever mysqld starts: about 400 MB that it keeps in memory, as one that has served for a while does.
CREATE DATABASE IF NOT EXISTS outage;
CREATE TABLE IF NOT EXISTS outage.entries (seq BIGINT PRIMARY KEY, at DOUBLE) ENGINE=InnoDB;
CREATE USER IF NOT EXISTS client IDENTIFIED BY 'client';
GRANT ALL ON outage.* TO client;
SET SESSION max_heap_table_size = 600 * 1024 * 1024;
CREATE TABLE IF NOT EXISTS outage.cache (id INT, body VARCHAR(16000)) ENGINE=MEMORY DEFAULT CHARSET=latin1;
DELETE FROM outage.cache;
INSERT INTO outage.cache SELECT seq, REPEAT('x', 16000) FROM outage.seq_1_to_25000;
