"""Prices and limits: dated figures, the account's own in front, none invented."""

import pytest

from qmlmat.errors import BudgetError, ConfigError
from qmlmat.hardware.config import limits, load_target, rates, target_names
from qmlmat.hardware.config.loading import parse_target, read_config, target_folders


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A user's own folder, empty at first."""
    monkeypatch.setenv("QMLMAT_HARDWARE_CONFIGS", str(tmp_path))
    return tmp_path


def changed(name, **tables):
    """A shipped target with other tables or keys."""
    values = read_config(target_folders()[1] / f"{name}.toml")
    return parse_target(values | tables, name=name)


@pytest.mark.parametrize("name", ["ibm_open", "braket_garnet", "braket_sv1", "ionq_simulator"])
def test_every_figure_has_a_source_and_a_date(name):
    """A number that cannot say where it was read does not belong here."""
    for found in (rates(load_target(name)), limits(load_target(name))):
        assert found.source
        assert found.date >= "2025"


def test_every_shipped_target_has_a_price_and_limits():
    """A user who follows the examples is never sent to look for one."""
    for name in target_names():
        assert rates(load_target(name)).usd_per_second >= 0
        assert limits(load_target(name)).min_submit_interval_s >= 0


def test_prices_are_those_of_the_plan_and_of_the_device():
    """HARDWARE.md: 1.60 USD/s and 72 USD/min; Garnet 0.30 USD a task and 0.00145 USD a shot."""
    payg = rates(load_target("ibm_payg"))
    assert payg.usd_per_second == 1.60
    assert rates(changed("ibm_payg", plan="flex")).usd_per_minute == pytest.approx(72)
    garnet = rates(load_target("braket_garnet"))
    assert (garnet.usd_per_task, garnet.usd_per_shot) == (0.30, 0.00145)
    assert rates(load_target("ibm_open")).is_free
    assert rates(load_target("local_aer")).is_free
    assert not payg.is_free


@pytest.mark.parametrize(
    "target",
    [
        ("ibm_payg", {"plan": "premium"}),
        ("braket_garnet", {"device": "arn:aws:braket:eu-north-1::device/qpu/iqm/Emerald"}),
        ("ionq_simulator", {"device": "qpu.forte-1"}),
    ],
    ids=lambda item: item[0],
)
def test_a_device_without_a_price_is_refused_and_never_guessed(target):
    """The table [prices] of the target is the remedy, and works."""
    name, keys = target
    with pytest.raises(BudgetError, match=r"add the table \[prices\]"):
        rates(changed(name, **keys))
    own = {"usd_per_shot": 0.5, "source": "contract 7", "date": "2026-11-28"}
    found = rates(changed(name, **keys, prices=own))
    assert (found.usd_per_shot, found.source) == (0.5, "contract 7")


def test_the_users_own_file_of_prices_stands_in_front(own_folder):
    """For the entries it has; the others are ours."""
    text = '[ibm.payg]\nusd_per_second = 1.0\nsource = "contract"\ndate = "2026-11"\n'
    (own_folder / "prices.toml").write_text(text, encoding="utf-8")
    assert rates(load_target("ibm_payg")).usd_per_second == 1.0
    assert rates(load_target("braket_garnet")).usd_per_task == 0.30


def test_a_bad_entry_is_one_line(own_folder):
    """It names file, entry, key and remedy."""
    (own_folder / "prices.toml").write_text("[ibm.payg]\nusd_per_secnd = 1.0\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        rates(load_target("ibm_payg"))
    assert "prices.toml: [ibm.payg]" in str(caught.value)
    assert 'Did you mean "usd_per_second"?' in str(caught.value)


def test_an_entry_of_no_provider_is_refused(own_folder):
    """Else a slip of the pen would leave our price in place of the account's."""
    (own_folder / "prices.toml").write_text("[imb.payg]\nusd_per_second = 1.0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match='Did you mean "ibm"'):
        rates(load_target("ibm_payg"))


def test_limits_of_ibm_are_those_of_the_document():
    """HARDWARE.md 2.3: 5 million executions, 80 PUBs, 12 s between jobs, 250 us of delay."""
    found = limits(load_target("ibm_open"))
    assert (found.max_executions_per_job, found.max_programs_per_job) == (5_000_000, 80)
    assert (found.min_submit_interval_s, found.overhead_s, found.rep_delay_s) == (12, 2, 250e-6)


def test_a_target_may_ask_for_less_than_a_limit_and_not_for_more():
    """A limit is the provider's; what is not known can be filled in."""
    less = limits(changed("ibm_open", mode={"max_programs_per_job": 10}))
    more = limits(changed("ibm_open", mode={"max_programs_per_job": 500}))
    assert (less.max_programs_per_job, more.max_programs_per_job) == (10, 80)
    asked = changed(
        "ibm_open",
        retry={"min_submit_interval_s": 0},
        limits={"max_payload_bytes": 1000, "rep_delay_s": 1e-4},
    )
    found = limits(asked)
    assert (found.min_submit_interval_s, found.max_payload_bytes) == (0, 1000)
    assert found.rep_delay_s == 1e-4


def test_a_file_of_limits_without_the_provider_falls_back_to_ours(own_folder):
    """The user's own file need not name every provider."""
    (own_folder / "limits.toml").write_text("[braket]\n", encoding="utf-8")
    assert limits(load_target("ibm_open")).max_programs_per_job == 80
