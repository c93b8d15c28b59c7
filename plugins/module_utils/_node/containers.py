# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container engine left on the node about a container: its id and name, and how to create it with a score."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.reader import json_object
from .identity import trusted_path


def docker_config(host, container_id):
    """The configuration that the Docker engine keeps of a container (config.v2.json); {} if it cannot be read."""
    return json_object(host.read('/var/lib/docker/containers/%s/config.v2.json' % container_id))


def docker_name(host, container_id):
    """The name of a Docker container, or None."""
    name = docker_config(host, container_id).get('Name')
    return str(name).lstrip('/') or None if name else None


def option(words, *names):
    """The value of a command's option, written ``-n value``, ``--name value`` or ``--name=value``; None if it is not
    given.
    """
    for index, word in enumerate(words):
        if word in names and index + 1 < len(words):
            return words[index + 1]
        name, separator, value = word.partition('=')
        if separator and name in names:
            return value
    return None


def _json_of(host, path):
    return json_object(host.read(path))


def _value(mapping, *keys):
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping


def container_facts(host, manager, monitor):
    """{configured, compose, unit} of a container: the score it is created with, who composed it, its Quadlet unit.

    ``monitor`` is root's conmon or shim above its process, or None. ``configured`` is None if nothing tells;
    ``compose`` is {service, files, version} or None.
    """
    compose = None
    configured = None
    if manager['kind'] == 'docker':
        base = '/var/lib/docker/containers/%s/' % manager['container_id']
        configured = _value(_json_of(host, base + 'hostconfig.json'), 'OomScoreAdj')
        labels = _value(docker_config(host, manager['container_id']), 'Config', 'Labels') or {}
        if labels.get('com.docker.compose.service'):
            compose = {
                'service': labels['com.docker.compose.service'],
                'files': labels.get('com.docker.compose.project.config_files'),
                'version': labels.get('com.docker.compose.version'),
            }
    elif manager['kind'] == 'podman' and monitor:
        bundle = option(monitor['cmdline'], '-b', '--bundle')
        path = trusted_path(host, bundle + '/config.json') if bundle else None
        if path:
            configured = _value(_json_of(host, path), 'process', 'oomScoreAdj')
    unit = manager.get('unit')
    return {
        'configured': configured,
        'compose': compose,
        'unit': unit if unit and unit.endswith('.service') else None,
    }


def recreate_text(manager, container, value):
    """The exact change with which a container is created with a score, in a sentence, as no engine can update a running
    one.
    """
    kind, name = manager['kind'], manager['name']
    if manager.get('user') is not None and value < 0:
        return ('container %s runs without root, and a user may not lower a score: run it as root with '
                '`%s run --oom-score-adj=%d ...`' % (name, kind, value))
    compose = container.get('compose')
    if compose:
        text = 'in service %s of %s add `oom_score_adj: %d`, then `docker compose up -d %s`, which recreates it' % (
            compose['service'], compose['files'] or 'its compose file', value, compose['service'])
        if str(compose['version'] or '').startswith('1.'):
            text += ' (docker-compose before 1.27 knows the key in file format 2 alone)'
        return text
    if kind == 'podman' and container.get('unit'):
        return ('%s starts container %s: add `PodmanArgs=--oom-score-adj=%d` to its .container file, or '
                '--oom-score-adj=%d to its `podman run`, then restart it' % (container['unit'], name, value, value))
    text = 'container %s has to be created again with `%s run --oom-score-adj=%d ...`' % (name, kind, value)
    if kind == 'docker':
        text += '; `docker update` cannot set it'
    return text
