# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of ansible-runner, as AWX runs one: the collection is installed in its project, the verdict is an artifact."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(sys.executable).parent
ENVIRON = dict({key: value for key, value in os.environ.items() if not key.startswith('ANSIBLE_')},
               PATH=f'{PROGRAMS}:{os.environ["PATH"]}')
PLAYBOOK = '- name: Diagnose\n  ansible.builtin.import_playbook: oom.rescue.diagnose\n'
SAID = 'RAM (988 MiB) ran out'
# crun refuses hybrid cgroups, and a host without CAP_SYS_RESOURCE cannot raise its limits.
CONTAINERS = '[engine]\nruntime = "runc"\n[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'


@pytest.fixture(name='job')
def fixture_job(tmp_path):
    """The folder of a job that diagnoses a copied log."""
    project = tmp_path / 'project'
    project.mkdir()
    galaxy = [PROGRAMS / 'ansible-galaxy', 'collection']
    subprocess.run([*galaxy, 'build', '--output-path', tmp_path, ROOT], check=True, stdout=subprocess.DEVNULL)
    tarball, = tmp_path.glob('*.tar.gz')
    subprocess.run([*galaxy, 'install', '--offline', '-p', project / 'collections', tarball], check=True, cwd=tmp_path,
                   env=ENVIRON, stdout=subprocess.DEVNULL)
    (project / 'site.yml').write_text(PLAYBOOK)
    shutil.copy(ROOT / 'molecule/shared/files/kern.log', project)
    for name in ('env', 'inventory'):
        (tmp_path / name).mkdir()
    (tmp_path / 'inventory/hosts').write_text('localhost ansible_connection=local\n')
    return tmp_path


def run(job, project, *options, environ=None):
    """(what was printed, the artifacts that set_stats left) of a job, whose project is at that path when it runs."""
    asked = {'diagnose_controller_logs': [f'{project}/kern.log'], 'diagnose_host': False, 'report_stats': True,
             'report_dir': f'{project}/report'}
    (job / 'env/extravars').write_text(json.dumps(asked))
    done = subprocess.run([PROGRAMS / 'ansible-runner', 'run', job, '--playbook', 'site.yml', '--ident', 'job',
                           *options], env=dict(ENVIRON, **(environ or {})), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout
    events = [json.loads(path.read_text()) for path in (job / 'artifacts/job/job_events').glob('*.json')]
    last, = [event for event in events if event['event'] == 'playbook_on_stats']
    return done.stdout, last['event_data']['artifact_data']


def check(job, told, artifacts):
    assert SAID in ' '.join(told.split())
    found, = artifacts['oom_rescue'].values()
    assert found['was_memory'] == 'yes' and 'killed mariadbd (pid 640)' in found['sentence'], artifacts
    report = json.loads((job / 'project/report/report.json').read_text())
    assert report['logs'][0]['verdict']['sentence'].startswith(found['sentence'])


def test_the_verdict_of_a_job_is_among_its_artifacts(job):
    check(job, *run(job, job / 'project'))


def test_an_execution_environment_needs_ansible_core_alone(job):
    image = subprocess.run([ROOT / 'tests/runner/image'], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    (job / 'containers.conf').write_text(CONTAINERS)
    check(job, *run(job, '/runner/project', '--process-isolation', '--process-isolation-executable', 'podman',
                    '--container-image', image, '--container-option=--network=none',
                    environ={'CONTAINERS_CONF': str(job / 'containers.conf')}))
