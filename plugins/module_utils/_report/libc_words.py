# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of libc for the errors and the signal that matter here, in the languages that it is translated to.

glibc 2.36: strerror(3) and strsignal(3) of each libc.mo. musl has English words alone, its own.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._log.text import log_text

# glibc has this for an apostrophe in Catalan and Ukrainian; programs and keyboards may have another.
_APOSTROPHE = log_text(b'\xe2\x80\x99')


def _in_both_spellings(words):
    return words + tuple(word.replace("'", _APOSTROPHE) for word in words if "'" in word)


ENOMEM = _in_both_spellings((
    'Bellek ayrılamadı',
    'Cannot allocate memory',
    'Impossibile allocare memoria',
    'Impossível alocar memória',
    'Kan ikke tildele hukommelse',
    'Kan ikke tildele minne',
    'Kan inte allokera minne',
    'Không thể cấp phát bộ nhớ',
    'Mankas sufiĉa memoro',
    'Muistin varaaminen ei onnistu',
    'Ne peut allouer de la mémoire',
    'Nelze alokovat paměť',
    'Nem foglalható memória',
    'Nema dovoljno memorije',
    'Nepavyko išskirti atminties',
    'Nicht genügend Hauptspeicher verfügbar',
    'Nie je možné prideliť pamäť',
    'Nie można przydzielić pamięci',
    'No se pudo asignar memoria',
    "No s'ha pogut reservar memòria",
    'Non se pode reservar memoria',
    'Não foi possível alocar memória',
    'Onvoldoende geheugen beschikbaar',
    'Pomnilnika ni mogoče dodeliti',
    'Tidak dapat mengalokasikan memori',
    'Δεν είναι δυνατό να δεσμευτεί μνήμη',
    "Не вдалося розподілити пам'ять",
    'Не могу да доделим меморију',
    'Не може да се задели памет',
    'Невозможно выделить память',
    'немагчыма разьмеркаваць памяць',
    'メモリを確保できません',
    '无法分配内存',
    '無法配置記憶體',
    '메모리를 할당할 수 없습니다',
))

EAGAIN = (
    'Die Ressource ist zur Zeit nicht verfügbar',
    'El recurs no es troba disponible temporalment',
    'Erőforrás átmenetileg nem érhető el',
    'Hulpbron is tijdelijk onbeschikbaar',
    'Prostředek je dočasně nepřístupný',
    'Recurso no disponible temporalmente',
    'Recurso non dispoñible temporalmente',
    'Recurso temporariamente indisponível',
    'Resource temporarily unavailable',
    'Ressource temporairement non disponible',
    'Ressursen midlertidig utilgjengelig',
    'Resurs je privremeno nedostupni',
    'Resursas laikinai neprieinamas',
    'Resursen midlertidig utilgængelig',
    'Resursen tillfälligt otillgänglig',
    'Resurssi ei tilapäisesti ole käytettävissä',
    'Risorsa temporaneamente non disponibile',
    'Risurco dumtempe ne disponeblas',
    'Sumber daya sementara tidak tersedia',
    'Tài nguyên tạm thời không sẵn sàng',
    'Vir začasno ni na razpolago',
    'Zasoby chwilowo niedostępne',
    'Zdroj je dočasne neprístupný',
    'Özkaynak geçici olarak kullanılamaz durumda',
    'Ο πόρος είναι προσωρινά μη διαθέσιμος',
    'Временно недостъпен ресурс',
    'Извориште је тренутно недоступно',
    'Ресурс временно недоступен',
    'Ресурс тимчасово недоступний',
    'リソースが一時的に利用できません',
    '資源暫時無法取得',
    '资源暂时不可用',
    '자원이 일시적으로 사용 불가능함',
)

SIGKILL = (
    'Buĉita',
    'Bị buộc kết thúc',
    'Drept',
    'Dræbt',
    'Dödad',
    'Getötet',
    'Geëlimineerd',
    'Killed',
    'Kilőve',
    'Matado',
    'Matat',
    'Morto',
    'Nutraukta (killed)',
    'Pobit',
    'Processus arrêté',
    'Süreç durduruldu',
    'Tapettu',
    'Terbunuh',
    'Terminado (killed)',
    'Ubijen',
    'Ucciso',
    'Unicestwiony',
    'Zabit (SIGKILL)',
    'Zabitý',
    'Σκοτώθηκε',
    'Безусловно прекъснат',
    'Вбито',
    'Забіты',
    'Убито',
    'Убијен',
    '已杀死',
    '強制終了',
    '強制結束',
    '죽었음',
)

ENOSPC = (
    'Aucun espace disponible sur le périphérique',
    'Auf dem Gerät ist kein Speicherplatz mehr verfügbar',
    'Aygıt üzerinde boş yer yok',
    'Brak miejsca na urządzeniu',
    'Enheten är full',
    'Geen ruimte meer over op apparaat',
    'Ikke mer plass på enheten',
    'Ikke mere plads på enheden',
    'Không có đủ chỗ trống trên thiết bị',
    'Laitteella ei ole tilaa jäljellä',
    'Na napravi ni več prostora',
    'Na zariadení už nie je žiadne miesto',
    'Na zařízení není volné místo',
    'Ne haviĝas plu da spaco sur aparato',
    'Nema više prostora na uređaju',
    'Nincs több hely a lemezen',
    'No queda espacio en el dispositivo',
    'No resta espai al dispositiu',
    'No space left on device',
    'Non hai espacio libre no dispositivo',
    'Não há espaço disponível no dispositivo',
    'Sem espaço livre no dispositivo',
    'Spazio esaurito sul device',
    'Tidak ruang lagi diperangkat',
    'Įrenginyje neliko vietos',
    'Δεν έμεινε καθόλου χώρος στη συσκευή',
    'На устройстве не осталось свободного места',
    'Недостатньо місця на пристрої',
    'Није преостало простора на уређају',
    'Няма месца на прыладзе',
    'Няма свободно място на устройството',
    'デバイスに空き領域がありません',
    '裝置上已無多餘空間',
    '设备上没有空间',
    '장치에 남은 공간이 없음',
)

# Too short to mean EAGAIN or ENOMEM unless a word for fork(2) is beside them.
MUSL_ENOMEM = 'Out of memory'
MUSL_EAGAIN = 'Try again'
