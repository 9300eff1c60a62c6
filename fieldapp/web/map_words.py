"""What the maps' pages say: why a file, a boundary or a tile address cannot be taken, and how a place was found."""

from fieldapp.locating import Verdict
from fieldapp.web import words
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

REASON = {
    "not_geojson": _("这不是 GeoJSON 文件（FeatureCollection）。"),
    "file_too_large": _("文件太大，最多 5 MB。请把线条简化一些再导入。"),
    "too_many": _("一次最多 500 个图形、共 10 万个角。请分几个文件，或简化线条。"),
    "no_file": _("请先选一个文件。"),
    "not_a_polygon": _("不是面（Polygon 或 MultiPolygon）。"),
    "no_points": _("里面没有坐标。"),
    "too_few_points": _("至少要三个不在一条线上的角。"),
    "too_many_points": _("角太多（最多 5000 个），请简化线条。"),
    "not_a_place": _("有的坐标不是数字，或超出范围。"),
    "exchanged": _("经度和纬度写反了：GeoJSON 里经度在前。"),
    "outside_county": _("有的角在本县之外。请看坐标系选得对不对。"),
    "no_such_area": _("找不到这个村（社区）：编码和名称都对不上，或不在您的范围内。"),
    "several_so_called": _("叫这个名称的不止一个，请在文件里写编码。"),
    "twice_in_file": _("文件里有两个图形是同一个地方，只用前一个。"),
    "not_corners": _("每行写一个角：纬度, 经度。"),
    "cell_digits": _("网格编号是三位数字，如 001。"),
    "cell_taken": _("已经有这个编号的网格了。"),
    "tile_parts": _("{s} 只有在填了“主机分号”时才用；除了 {s} {z} {x} {y} 不要有别的括号。"),
    "tile_marks": _("地址里要有 {z}、{x} 和 {y}。"),
    "tile_address": _("地址要以 https:// 开头，主机名只含字母、数字、点和横线。"),
    "tile_url_first": _("请先填底图的地址。"),
    "tile_source_needed": _("请填写地图来源，它要一直显示在图上。"),
    "tile_levels": _("级别是 1 到 20 的整数，小的在前。"),
}


def field_errors(errors: dict[str, str]) -> dict[str, str]:
    """The sentence for each field at fault."""
    return {field: reason(code) for field, code in errors.items()}


def reason(code: str) -> str:
    """One sentence."""
    return str(REASON[code]) if code in REASON else words.reason(code)


def verdict(found: Verdict) -> str:
    """How the case came to its village."""
    if found.how == "inside":
        return gettext("按边界，位置在%(place)s内。", place=found.name)
    if found.how == "another":
        return gettext("按边界，位置在%(place)s内，和登记的不一样。", place=found.name)
    if found.how == "nearest":
        return gettext("位置不在任何边界内，按最近的归到%(place)s（约 %(m)s 米外）。", place=found.name, m=found.metres)
    return gettext("位置不在任何边界内，按上报人选的或所在的归到%(place)s。", place=found.name)
