"""What people write when they report, kind by kind, out of pieces: many texts are alike and few are the same."""

import random
from dataclasses import dataclass

LONGEST_TITLE = 24

Kinds = dict[str | None, tuple[int, str, str]]

# kind: how often, what it is about, what is wrong with it
KINDS: Kinds = {
    "facility-1": (8, "井盖 雨水井盖 电信井盖 污水井盖", "破损 松动 不见了 翘起来了 下沉 一压就响"),
    "facility-2": (9, "路灯 三盏路灯 巷口路灯 整排路灯", "不亮 一直闪 白天也亮着 灯杆歪了 灯罩要掉"),
    "facility-3": (4, "护栏 桥栏杆 河边护栏 隔离墩", "断了一截 松动 被车撞坏 生锈要倒 缺了一段"),
    "fire-1": (6, "消防通道 楼道 安全出口 消防车道", "堆满杂物 停了车 被锁住 堆着纸箱 被货物堵住"),
    "fire-2": (6, "电动车 电瓶 三轮车", "在楼道充电 飞线充电 拉线到窗外充电 在门口整夜充电"),
    "fire-3": (3, "煤气瓶 老化电线 烧烤炉 插排", "放在通道 裸露 旁边堆着纸皮 冒火花 用火没人看"),
    "traffic": (7, "红绿灯 路面 斑马线 大货车 减速带", "坏了 有个大坑 看不清 乱停挡住视线 塌陷 积了沙"),
    "street-1": (10, "垃圾 生活垃圾 建筑垃圾 垃圾桶", "堆积没有收 满了 倒在路边 发臭 三天没清 招苍蝇"),
    "street-2": (5, "积水 污水 下水道", "没过脚面 流到路上 堵塞返水 有异味 几天不退"),
    "street-3": (6, "摊档 广告牌 装修材料 水果车", "占道 摆到车道上 堵住人行道 挡住盲道"),
    "dispute-1": (3, "邻居 楼上楼下 两户人家", "为噪音吵架 为排水争执 为停车位吵 为围墙闹矛盾"),
    "dispute-4": (2, "工人 临时工 装修队", "说没拿到工钱 围着工地讨薪 被欠两个月工资"),
    "dispute-6": (2, "田埂 水渠 山林", "边界有争议 被人挖断 用水争吵"),
    "site": (4, "工地 脚手架 塔吊 自建房", "没有围挡 夜里还在施工 材料要掉下来 墙体开裂"),
    "security-1": (4, "巷道 后巷 楼梯间", "没有灯 太黑 监控坏了"),
    "security-2": (2, "门锁 铁门 窗户", "损坏 关不上 被撬过"),
    "help-1": (2, "老人 一位阿婆 一位阿伯", "找不到家 走失 坐在路边说不清住哪"),
    "help-2": (2, "小孩 几个学生", "在水边玩 下河游泳 在鱼塘边没大人"),
    "help-3": (2, "有人 一位阿姨 路人", "晕倒 说胸闷 摔伤走不动"),
    "nature-3": (1, "山坡 挡土墙 路边土坡", "有裂缝 掉土石 滑下来一片"),
    "other": (4, "流浪狗 蜂窝 水管 噪音", "有好几只 在树上 漏水 半夜很吵 没人管"),
    None: (5, "这里 门口 路边", "有情况请看照片 不太安全 麻烦来看看"),
}  # fmt: skip
STORM: Kinds = {
    "nature-1": (5, "内涝 积水 河水 地下车库", "到膝盖了 漫上路面 倒灌进屋 车过不去 还在涨"),
    "nature-2": (5, "大树 树枝 行道树 榕树", "倒伏 断了压住电线 倒在路中间 压住车 歪了要倒"),
    "facility-3": (1, "围挡 广告牌 铁皮棚", "被风吹倒 要掉下来 吹到路上"),
}  # fmt: skip
ROADS = (
    "人民南路", "人民北路", "解放路", "二环南路", "海丽大道", "红城大道", "广富路", "三环西路", "龙津河边",
    "新园路", "文明巷", "向阳路", "西门巷", "东门头", "老街", "迎宾路", "沿江路", "环城路", "建设街", "公园前路",
)  # fmt: skip
MARKS = (
    "菜市场门口", "小学旁边", "村委会对面", "公交站后面", "文化广场", "卫生站前", "转角处", "桥头", "河堤边",
    "幼儿园门口", "祠堂前", "加油站旁", "农贸市场后门", "停车场入口", "篮球场边", "老人活动中心旁", "药店门口",
    "变电箱旁",
)  # fmt: skip
MORE = (
    "夜间危险", "已经好几天了", "请尽快派人处理", "昨天有人摔倒", "影响出行", "打过电话没人来", "下雨天更严重",
    "小孩经常经过", "附近居民很有意见", "怕出事", "电动车差点摔倒", "老人走路看不见", "请来看看", "比昨天更严重",
    "拍了照片",
)  # fmt: skip
OUTCOMES = (
    "已现场处理完毕。", "已更换并恢复正常。", "已清理干净，拍照留存。", "已设警示带，市政次日修复完成。",
    "已劝离并登记。", "已调解，双方同意。", "已联系产权单位处理。", "已抢修，恢复通行。", "已送回家中，家属签收。",
    "已排水，路面可通行。",
)  # fmt: skip
DECLINED = (
    "不在本镇范围，已转告。", "属重复反映的旧事，已处理过。", "现场未发现所报情况。",
    "属个人纠纷，建议走司法途径。",
)  # fmt: skip
PARKED = (
    "等配件到货", "等产权单位确认", "等天气转好再施工",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """What is wrong where. Two who report the same scene write alike."""

    category: str | None
    thing: str
    wrong: str
    place: str


def scene(chance: random.Random, storm: bool = False) -> Scene:
    """Something that is wrong somewhere; in a storm mostly what storms do."""
    category, things, wrongs = chance.choices(*(_STORM if storm else _USUAL))[0]
    place = chance.choice(ROADS)
    way = chance.random()
    if way < 0.45:
        place += f"{int(chance.random() * 320) + 1}号"
    elif way < 0.9:
        place += chance.choice(MARKS)
    return Scene(category, chance.choice(things), chance.choice(wrongs), place)


def text(seen: Scene, chance: random.Random) -> str:
    """One reporter's words for it."""
    way = chance.random()
    if way < 0.35:
        said = f"{seen.place}{seen.thing}{seen.wrong}"
    elif way < 0.65:
        said = f"{seen.thing}{seen.wrong}，在{seen.place}"
    elif way < 0.85:
        said = f"{seen.place}这边{seen.thing}{seen.wrong}"
    else:
        said = f"{seen.place}，{seen.thing}{seen.wrong}了"
    if way * 997 % 1 < 0.7:
        said += f"，{chance.choice(MORE)}"
    return said


def title(said: str) -> str:
    """As the product shortens it (cases.title_of)."""
    return said if len(said) <= LONGEST_TITLE else said[: LONGEST_TITLE - 1] + "…"


def _split(kinds: Kinds) -> tuple[list[tuple[str | None, list[str], list[str]]], list[int]]:
    """What to choose from, and how often each is chosen."""
    pieces = [(code, things.split(), wrongs.split()) for code, (_, things, wrongs) in kinds.items()]
    return pieces, [often for often, _, _ in kinds.values()]


_USUAL, _STORM = _split(KINDS), _split(STORM)
