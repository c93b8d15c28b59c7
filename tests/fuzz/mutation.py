# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes an input at random, for the fuzzers."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


def mutate(data, others, chance, tokens, most, repeated):
    """A changed copy of an input, of ``most`` bytes at the most.

    ``others`` are inputs of which it may get a part, ``tokens`` what is put in, ``chance`` a random.Random.
    ``repeated`` are lengths of one token put in again and again: what is not linear takes long for much of one thing.
    """
    data = bytearray(data)
    for _change in range(chance.choice((1, 1, 2, 4, 16))):
        place, length = chance.randrange(len(data) + 1), chance.choice((1, 2, 8, 64, 1024))
        kind = chance.randrange(8)
        if kind == 0:
            del data[place:place + length]
        elif kind == 1:
            data[place:place] = chance.choice(tokens)
        elif kind == 2:
            data[place:place] = data[place:place + length] * chance.choice((1, 2, 20))
        elif kind == 3:
            for index in range(place, min(place + length, len(data))):
                data[index] = chance.randrange(256)
        elif kind == 4:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            data[place:place + chance.choice((0, length))] = other[start:start + length * 4]
        elif kind == 5:
            lines = bytes(data).split(b'\n')
            chance.shuffle(lines) if chance.random() < 0.5 else lines.reverse()
            data = bytearray(b'\n'.join(lines))
        elif kind == 6:
            token = chance.choice(tokens)
            data[place:place] = token * (chance.choice(repeated) // len(token))
        else:
            del data[place:]
    return bytes(data[:most])
