"""Stand-ins for the compiled extension and the evaluators of the field's code, with the same names, arguments and numbers.

    import tal.compat
    tal.compat.install_as_actionformer()   # ActionFormer, TriDet, TemporalMaxer, CLTDR-GMG: before their modules are imported
    tal.compat.install_as_opentad()        # OpenTAD: the extension, and the evaluators of its registry
"""

from __future__ import annotations

import sys

from tal.compat import actionformer, activitynet, nms_1d_cpu, opentad
from tal.compat.actionformer import ANETdetection
from tal.compat.opentad import Recall, mAP, mAP_EPIC

__all__ = [
    "ANETdetection",
    "Recall",
    "actionformer",
    "activitynet",
    "install_as_actionformer",
    "install_as_opentad",
    "mAP",
    "mAP_EPIC",
    "nms_1d_cpu",
    "opentad",
]


def install_as_actionformer() -> None:
    """Puts the extension `nms_1d_cpu` in place, and the evaluator `ANETdetection` of `libs.utils` if that is imported already.

    Call it before anything of the checkout is imported; then `import nms_1d_cpu` finds ours. To evaluate with ours as well,
    call it once more after `import libs.utils`, or import `ANETdetection` from here.
    """
    sys.modules["nms_1d_cpu"] = nms_1d_cpu
    for name in ("libs.utils", "libs.utils.metrics"):
        module = sys.modules.get(name)
        if module is not None:
            module.ANETdetection = ANETdetection  # type: ignore[attr-defined]


def install_as_opentad() -> bool:
    """Puts the extension `nms_1d_cpu` in place, and `mAP`, `Recall` and `mAP_EPIC` into OpenTAD's registry of evaluators.

    Returns:
        Whether the registry was there. OpenTAD makes it when `opentad.evaluations` is imported, so import that first.
    """
    sys.modules["nms_1d_cpu"] = nms_1d_cpu
    builder = sys.modules.get("opentad.evaluations.builder")
    registry = getattr(builder, "EVALUATORS", None)
    if registry is None:
        return False
    for evaluator in (mAP, Recall, mAP_EPIC):
        registry.register_module(module=evaluator, force=True)
    return True
