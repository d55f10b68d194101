"""What the people of the worlds say, in five languages: short words, own sentences, memes, and the templates of swarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.columns import Int64s
from lab.people import Names


@dataclass(frozen=True, slots=True)
class Language:
    """Short answers that thousands write alike, and the words of which sentences are made (in `text`)."""

    short: tuple[str, ...]
    text: str
    space: str = " "

    @property
    def words(self) -> list[str]:
        """The words, the most common first."""
        return self.text.split()


ENGLISH = Language(
    ("No.", "no", "NO!!!", "Yes", "yes please", "lol", "nope", "this", "so true", "who asked", "never", "100 percent"),
    "the a we they you nobody everybody my your neighbour teacher river bridge train winter harvest "
    "window market money price vote answer question plan map border city village school doctor summer "
    "morning ticket letter promise garden still never always maybe often really hardly wants keeps gave "
    "took said built lost found broke pays remembers forgets against without after before because "
    "although under over with from about honest cheap loud quiet new old broken borrowed famous strange "
    "empty crowded late early and or but not again together alone",
)
UKRAINIAN = Language(
    ("Ні.", "ні", "НІ!!!", "Так", "так", "🇺🇦", "🇺🇦🇺🇦🇺🇦", "ніколи", "саме так", "та ну", "смішно"),
    "ми вони ви ніхто кожен моя ваша сусідка вчитель річка міст потяг зима врожай вікно ринок гроші ціна "
    "голос відповідь питання план мапа кордон місто село школа лікар літо ранок квиток лист обіцянка сад "
    "досі ніколи завжди можливо часто справді хоче тримає дав узяв сказав збудував втратив знайшов зламав "
    "платить пам'ятає забуває проти без після перед бо хоча під над із про чесний дешевий гучний тихий "
    "новий старий зламаний відомий дивний порожній і або але не",
)
RUSSIAN = Language(
    ("Нет.", "нет", "НЕТ!!!", "Да", "да", "никогда", "вот именно", "смешно", "ну да", "конечно"),
    "мы они вы никто каждый моя ваша соседка учитель река мост поезд зима урожай окно рынок деньги цена "
    "голос ответ вопрос план карта граница город деревня школа врач лето утро билет письмо обещание сад "
    "всё ещё никогда всегда может часто правда хочет держит дал взял сказал построил потерял нашёл сломал "
    "платит помнит забывает против без после перед потому хотя под над из про честный дешёвый громкий "
    "тихий новый старый сломанный известный странный пустой и или но не",
)
TURKISH = Language(
    ("Hayır.", "hayır", "HAYIR!!!", "Evet", "evet", "asla", "aynen", "güldüm", "tabii ki", "yok artık"),
    "biz onlar siz kimse herkes benim sizin komşu öğretmen ırmak köprü tren kış hasat pencere çarşı para "
    "fiyat oy cevap soru plan harita sınır şehir köy okul doktor yaz sabah bilet mektup söz bahçe hâlâ "
    "asla hep belki sık gerçekten istiyor tutuyor verdi aldı dedi yaptı kaybetti buldu kırdı ödüyor "
    "hatırlıyor unutuyor karşı olmadan sonra önce çünkü rağmen altında üstünde ile hakkında dürüst ucuz "
    "gürültülü sessiz yeni eski kırık ünlü garip boş ve veya ama değil yine",
)
JAPANESE = Language(
    ("いいえ", "いいえ。", "はい", "はい!", "草", "それな", "絶対にない", "ないです", "賛成", "反対"),
    "私たちは 彼らは あなたは 誰も みんな 隣の人 先生 川 橋 電車 冬 収穫 窓 市場 お金 値段 票 答え 質問 計画 地図 国境 町 村 学校 医者 夏 朝 切符 手紙 約束 庭 まだ 決して "
    "いつも たぶん よく 本当に 欲しい 持っている くれた 取った 言った 建てた 失った 見つけた 壊した 払う 覚えている 忘れる に反対 なしで のあと の前 だから けれど の下 の上 から "
    "について 正直な 安い うるさい 静かな 新しい 古い",
    space="",
)
FRENCH = Language(
    ("Non.", "non", "NON !!!", "Oui", "oui", "jamais", "exactement", "mdr", "bien sûr", "c'est ça"),
    "nous ils vous personne chacun ma votre voisine maître rivière pont train hiver récolte fenêtre "
    "marché argent prix voix réponse question plan carte frontière ville village école médecin été matin "
    "billet lettre promesse jardin encore jamais toujours peut-être souvent vraiment veut garde donna "
    "prit dit bâtit perdit trouva cassa paie oublie contre sans après avant parce quoique sous sur avec "
    "de honnête cher bruyant calme neuf vieux cassé célèbre étrange vide et ou mais pas",
)
LANGUAGES = (ENGLISH, UKRAINIAN, RUSSIAN, TURKISH, JAPANESE, FRENCH)
SPOKEN = np.array([0.68, 0.08, 0.06, 0.06, 0.06, 0.06])
_ENDS = (".", "!", "", "", "…", "?", " 😂", " 🙏", "!!", " lol")
_TAGS = ("#vote", "#poll", "🔥", "👏👏", "✊", "#now", "💯", "!!", "…")
# letters that look alike in two scripts; a swarm swaps them to look different to a machine
_ALIKE = str.maketrans("aeopcxyAEOPCX", "аеорсхуАЕОРСХ")


def replies(rng: np.random.Generator, language: Language, size: int) -> Names:
    """Return what so many people say independently: two in five a short word, the others a sentence of their own."""
    short = np.array(language.short, dtype=object)
    fall = 1 / np.arange(1, len(short) + 1)
    said = short[rng.choice(len(short), size, p=fall / fall.sum())]
    own = np.flatnonzero(rng.random(size) > 0.4)
    said[own] = np.array(sentences(rng, language, len(own), 3, 22), dtype=object)
    return said


def sentences(rng: np.random.Generator, language: Language, size: int, fewest: int, most: int) -> list[str]:
    """Return sentences of `fewest` to `most` words, the common words more often."""
    ends = rng.choice(np.array(_ENDS, dtype=object), size)
    drawn = _drawn_words(rng, language, size, fewest, most)
    return [_capital(language.space.join(words)) + end for words, end in zip(drawn, ends, strict=True)]


def _drawn_words(rng: np.random.Generator, language: Language, size: int, fewest: int, most: int) -> list[list[str]]:
    lengths = rng.integers(fewest, most + 1, size)
    words = np.array(language.words, dtype=object)
    fall = 1 / (np.arange(len(words)) + 15.0)
    drawn = words[rng.choice(len(words), int(lengths.sum()), p=fall / fall.sum())]
    return [part.tolist() for part in np.split(drawn, np.cumsum(lengths))[:-1]]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def meme(rng: np.random.Generator, language: Language, size: int) -> Names:
    """Return one long text as so many people share it: most of them as it is, some with a word or a sign of their own."""
    text = sentences(rng, language, 1, 15, 26)[0]
    own = rng.choice(np.array(["!!", " 😂", " (found this)", " lol", "…", " 👀"], dtype=object), size)
    return np.where(rng.random(size) < 0.6, text, text + own)


def swarm(rng: np.random.Generator, language: Language, writers: Int64s) -> Names:
    """Return replies made from 8 to 24 long templates: each with up to two words swapped, a mention, a tag or look-alikes.

    `writers` numbers the writer of each reply. One in three writers keeps to a template, the others take any.
    """
    templates = _drawn_words(rng, language, int(rng.integers(8, 25)), 11, 22)
    of_writer = rng.integers(0, len(templates), int(writers.max(initial=0)) + 1)
    faithful = rng.random(len(of_writer)) < 1 / 3
    number = np.where(faithful[writers], of_writer[writers], rng.integers(0, len(templates), len(writers)))
    alike_share = rng.choice([0.0, 0.15])
    return np.array([_variant(rng, language, templates[one], alike_share) for one in number.tolist()], dtype=object)


def _variant(rng: np.random.Generator, language: Language, template: Sequence[str], alike_share: float) -> str:
    said = list(template)
    for place in rng.integers(0, len(said), rng.integers(0, 3)).tolist():
        said[place] = str(rng.choice(language.words))
    text = _capital(language.space.join(said))
    dress = rng.random(4)
    if dress[0] < alike_share:
        text = text.translate(_ALIKE)
    if dress[1] < alike_share:
        middle = len(text) // 2
        text = text[:middle] + "\u200b" + text[middle:]
    if dress[2] < 0.35:
        text = f"@{'abcdefghijkmnopqrstuvwxyz'[int(rng.integers(25))]}{int(rng.integers(10, 99))} {text}"
    if dress[3] < 0.6:
        text = f"{text} {_TAGS[int(rng.integers(len(_TAGS)))]}"
    return text
