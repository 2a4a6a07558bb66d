"""What the appliance survives, and the tests that show it. docs/resilience.md is made of it.

A requirement without a test is not done, and says so; so does what a machine without the real thing can't show.
"""

from __future__ import annotations

from dataclasses import dataclass

_BOX = "tests/appliance"
_HERE = "tests/resilience"


@dataclass(frozen=True)
class Requirement:
    """One row.

    what: in a sentence
    tests: 'file::function', from the root of the repository
    lacks: what no test shows yet, or can't here
    """

    number: str
    what: str
    tests: tuple[str, ...] = ()
    lacks: str = ""


REQUIREMENTS = (
    Requirement(
        "R1",
        "A full scan is the truth: what arrives while nobody looks is found.",
        (
            f"{_HERE}/test_stopped_intake.py::test_twenty_thousand_files_while_the_intake_is_stopped",
            f"{_BOX}/test_mounts.py::test_shares",
        ),
    ),
    Requirement(
        "R2",
        "A drop is ready when it is quiet, whole, and no copy goes on; a cap decides, and the result says PARTIAL.",
        (
            f"{_BOX}/test_readiness.py::test_quiet_for_long_enough_and_over_three_looks",
            f"{_BOX}/test_readiness.py::test_the_marker_makes_two_looks_enough",
            f"{_BOX}/test_inbox.py::test_names_of_copies_in_progress",
            f"{_BOX}/test_service.py::test_a_copy_that_never_ends_says_so",
        ),
    ),
    Requirement(
        "R3",
        "Copied through descriptors, hashed, flushed, accepted, and only then removed from the inbox.",
        (
            f"{_BOX}/test_acceptance.py::test_content_and_hashes_and_nothing_of_the_names",
            f"{_BOX}/test_acceptance.py::test_links_put_there_meanwhile_are_not_followed",
            f"{_BOX}/test_acceptance.py::test_a_file_that_somebody_still_writes",
            f"{_BOX}/test_service.py::test_received_is_said_before_anything_is_read",
        ),
    ),
    Requirement(
        "R4",
        "One study has one result, under whatever name it comes again; late slices have one that names the first.",
        (
            f"{_BOX}/test_service.py::test_the_same_study_again_names_the_first_result",
            f"{_BOX}/test_service.py::test_late_slices_give_a_second_result_that_names_the_first",
        ),
    ),
    Requirement(
        "R5",
        "A share that vanishes costs nothing, and is never taken for an empty one.",
        (
            f"{_BOX}/test_inbox.py::test_an_inbox_that_is_gone",
            f"{_BOX}/test_service.py::test_without_the_results_folder_for_a_while",
            f"{_BOX}/test_service.py::test_an_inbox_that_is_away_does_not_end_the_recovery",
        ),
        "A share that hangs: not yet. A real SMB server can't be had in the tests.",
    ),
    Requirement(
        "R6",
        "Regular files only, within limits of number, depth and size; nothing outside the inbox is ever opened.",
        (
            f"{_BOX}/test_inbox.py::test_links_and_special_files_are_refused_and_never_followed",
            f"{_BOX}/test_inbox.py::test_names_with_line_ends_are_refused",
            f"{_BOX}/test_inbox.py::test_too_many_and_too_deep",
            f"{_BOX}/test_drop.py::test_broken_and_encrypted_archives_are_named",
            f"{_BOX}/test_drop.py::test_mutated_archives_are_told_and_never_escape",
            f"{_HERE}/test_bombs.py::test_serve_refuses_bombs_in_time_and_within_memory",
            f"{_HERE}/test_bombs.py::test_analyse_refuses_bombs_in_time_and_within_memory",
        ),
    ),
    Requirement(
        "R7",
        "The job database is durable at every commit, and says so at the start.",
        (f"{_BOX}/test_jobs.py::test_it_is_kept_safely", f"{_HERE}/test_power_cuts.py::test_fifty_cuts_lose_nothing"),
    ),
    Requirement(
        "R8",
        "A result appears whole or not at all, once, and holds the hashes of its files.",
        (
            f"{_BOX}/test_publish.py::test_the_folder_holds_everything_and_the_result_names_its_siblings",
            f"{_BOX}/test_publish.py::test_nothing_half_written_is_seen",
            f"{_HERE}/test_syscall_sweep.py::test_a_result_that_a_killed_process_left_is_flushed_before_it_counts",
        ),
    ),
    Requirement(
        "R9",
        "Killed at any moment, at any system call, or failed by the disk at a flush: nothing is lost, twice or broken.",
        (
            f"{_HERE}/test_kills.py::test_fifty_kills_lose_nothing",
            f"{_HERE}/test_syscall_sweep.py::test_killed_at_every_call_it_recovers",
            f"{_HERE}/test_syscall_sweep.py::test_what_the_disk_did_not_take_is_never_taken_for_done",
        ),
    ),
    Requirement(
        "R10",
        "The power is cut at any moment: no study that was taken is lost.",
        (
            f"{_HERE}/test_power_cuts.py::test_what_was_not_flushed_is_gone_and_what_was_is_there",
            f"{_HERE}/test_power_cuts.py::test_fifty_cuts_lose_nothing",
        ),
        "A disk that lies about its flushes can't be had in the tests.",
    ),
    Requirement(
        "R11",
        "A disk that is full, of bytes or of files, at any write: nothing half written shows, and all goes on later.",
        (
            f"{_HERE}/test_full_disks.py::test_full_of_bytes_at_any_write",
            f"{_HERE}/test_full_disks.py::test_full_of_files_at_any_write",
            f"{_BOX}/test_parsing.py::test_a_full_disk_has_a_code_of_its_own",
        ),
        "The pause of the intake and the notice of a full disk: not yet.",
    ),
    Requirement(
        "R12",
        "A study that ends its worker three times is published as not analysed; the next ones go on.",
        (f"{_BOX}/test_service.py::test_a_study_that_ends_its_worker_three_times_is_published_as_not_analysed",),
    ),
    Requirement(
        "R13",
        "Files that nobody trusts are read in a child with limits; whatever becomes of it has a code.",
        (
            f"{_BOX}/test_parsing.py::test_a_child_that_fails_is_a_failed_reading",
            f"{_BOX}/test_parsing.py::test_memory_and_time_are_limited",
            f"{_BOX}/test_parsing.py::test_each_step_has_its_own_memory",
            f"{_HERE}/test_bombs.py::test_serve_refuses_bombs_in_time_and_within_memory",
            f"{_HERE}/test_bombs.py::test_serve_limits_what_no_check_names",
            f"{_HERE}/test_bombs.py::test_analyse_limits_what_no_check_names",
            f"{_HERE}/test_bombs.py::test_after_all_of_them_a_study_is_analysed",
            "tests/runtime/test_part10.py::test_more_header_than_any_image_has_is_not_read",
        ),
    ),
    Requirement(
        "R14",
        "Whatever sites drop has one named outcome: docs/outcomes.md.",
        (
            f"{_BOX}/test_cases.py::test_every_case_has_its_outcome",
            f"{_BOX}/test_cases.py::test_the_table_names_each_case_once_and_leaves_no_rejection_out",
        ),
    ),
    Requirement(
        "R15",
        "Mutated files: no crash, no hang, and pixels that are cut short never pass for whole.",
        (
            f"{_HERE}/test_mutants.py::test_mutants_end_in_a_result_and_short_ones_never_pass_for_whole",
            "tests/runtime/test_mutants.py::test_mutants_are_read_or_coded_and_never_short",
        ),
        "Up to 16 bytes of zeros at an image's end, more where zero is air, can't be told from pixels.",
    ),
    Requirement(
        "R16",
        "Names in every character set: the right glyphs, or boxes that are seen; markup is text.",
        (
            f"{_BOX}/test_report_pdf.py::test_names_are_text_in_the_right_glyphs_or_visible_boxes",
            f"{_BOX}/test_legible.py::test_text_is_kept_and_what_steers_is_removed",
        ),
    ),
    Requirement(
        "R17",
        "No patient data in logs, metrics, titles of processes or crash files.",
        (
            f"{_BOX}/test_parsing.py::test_an_error_is_told_without_what_it_says",
            f"{_BOX}/test_role.py::test_a_recovery_that_fails_is_told_without_names_and_the_steps_go_on",
        ),
        "Canaries in every text: not yet.",
    ),
    Requirement("R18", "Engines come signed, and every altered byte is refused.", lacks="Not yet."),
    Requirement(
        "R19", "A broken engine rolls back by itself; power cuts leave a verified one active.", lacks="Not yet."
    ),
    Requirement(
        "R20",
        "Each part is a process, which is replaced when it ends.",
        (
            f"{_BOX}/test_supervisor.py::test_a_child_that_lived_long_is_back_at_once",
            f"{_BOX}/test_serve.py::test_a_worker_whose_gpu_fails_ends_and_the_next_one_takes_the_cpu",
        ),
        "Deadlines and recycling: not yet. A GPU that hangs can't be had in the tests.",
    ),
    Requirement("R21", "systemd's units, their limits, the share, the migration.", lacks="Not yet."),
    Requirement("R22", "Structured logs, metrics, the audit, the doctor.", lacks="Not yet."),
    Requirement("R23", "5,000 studies with faults: no growth, nothing lost.", lacks="Not yet."),
)
