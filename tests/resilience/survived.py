"""What the appliance survives, and the tests that show it. docs/resilience.md is made of it.

A requirement without a test is not done; what a machine without the real thing can't show is said.
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
    lacks: what no test can show here
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
            f"{_BOX}/test_wakeups.py::test_a_file_that_arrives_wakes_also_deep_down",
            f"{_BOX}/test_wakeups.py::test_without_events_it_goes_on",
            f"{_BOX}/test_mounts.py::test_the_innermost_and_last_mount_counts",
        ),
    ),
    Requirement(
        "R2",
        "A drop is ready when it is quiet, whole, and no copy goes on; a cap decides, and the result says PARTIAL.",
        (
            f"{_BOX}/test_readiness.py::test_quiet_for_long_enough_and_over_three_looks",
            f"{_BOX}/test_readiness.py::test_a_slow_copy_never_starts_early",
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
            f"{_BOX}/test_service.py::test_late_slices_alone_are_a_second_result_too",
        ),
    ),
    Requirement(
        "R5",
        "A share that hangs or vanishes costs nothing, is said, and is never taken for an empty one.",
        (
            f"{_HERE}/test_hung_share.py::test_a_share_that_hangs_and_goes_costs_nothing",
            f"{_BOX}/test_shares.py::test_a_share_that_hangs_costs_one_wait_and_is_back_at_the_next_look",
            f"{_BOX}/test_shares.py::test_a_share_that_is_not_mounted_any_more_is_not_empty",
            f"{_BOX}/test_shares.py::test_a_share_that_is_not_mounted_at_the_start_is_known_from_before",
            f"{_BOX}/test_shares.py::test_while_the_results_are_away_nothing_is_analysed",
            f"{_BOX}/test_inbox.py::test_an_inbox_that_is_gone",
            f"{_BOX}/test_service.py::test_without_the_results_folder_for_a_while",
            f"{_BOX}/test_service.py::test_an_inbox_that_is_away_does_not_end_the_recovery",
        ),
        "FUSE stands in for the server. A real SMB or NFS server, and a process that not even kill -9 ends, can't be "
        "had in the tests.",
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
        "The job database is durable at every commit, and says so; without it, what was taken is not lost.",
        (
            f"{_BOX}/test_jobs.py::test_it_is_kept_safely",
            f"{_HERE}/test_power_cuts.py::test_fifty_cuts_lose_nothing",
            f"{_BOX}/test_backup.py::test_what_can_not_be_read_in_the_spool_stays_until_it_can",
            f"{_BOX}/test_backup.py::test_a_recovery_that_an_error_ended_goes_on_before_anything_is_taken",
            f"{_BOX}/test_backup.py::test_without_its_database_no_result_is_published_twice",
        ),
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
            f"{_HERE}/test_kills.py::test_a_hundred_kills_lose_nothing",
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
            f"{_HERE}/test_small_disks.py::test_full_of_bytes_at_any_write",
            f"{_HERE}/test_small_disks.py::test_full_of_files_at_any_write",
            f"{_HERE}/test_full_disks.py::test_no_room_at_any_write_of_the_intake",
            f"{_HERE}/test_full_disks.py::test_no_room_at_any_write_of_a_result",
            f"{_HERE}/test_full_disks.py::test_the_intake_pauses_and_says_so_and_goes_on_by_itself",
            f"{_HERE}/test_full_disks.py::test_twice_the_largest_study_must_fit",
            f"{_HERE}/test_full_disks.py::test_the_notice_is_written_on_a_disk_without_any_room",
            f"{_HERE}/test_full_disks.py::test_retention_makes_room_on_a_disk_without_any",
            f"{_BOX}/test_retention.py::test_what_may_be_unread_stays_however_full_it_is",
            f"{_BOX}/test_retention.py::test_what_waits_stays_and_so_does_what_nobody_knows",
            f"{_BOX}/test_parsing.py::test_a_full_disk_has_a_code_of_its_own",
        ),
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
            f"{_HERE}/test_canaries.py::test_no_patient_data_where_none_belongs",
            f"{_BOX}/test_doctor.py::test_the_support_bundle_names_nobody",
        ),
    ),
    Requirement(
        "R18",
        "Engines come signed; every altered byte, every older version, every other key is refused.",
        (
            f"{_BOX}/test_verification.py::test_every_flipped_byte_of_manifest_and_signature",
            f"{_BOX}/test_verification.py::test_flipped_bytes_of_every_listed_file",
            f"{_BOX}/test_verification.py::test_flipped_bytes_of_a_zip_never_give_other_contents",
            f"{_BOX}/test_verification.py::test_each_difference_is_said_in_a_sentence",
            f"{_BOX}/test_verification.py::test_nothing_is_parsed_before_the_signature_is_right",
            f"{_BOX}/test_verification.py::test_keys_rotate",
            f"{_BOX}/test_updates.py::test_older_equal_and_present_serials_are_refused",
            f"{_BOX}/test_updates.py::test_slots_are_read_only_and_an_altered_one_is_never_run",
            f"{_BOX}/test_incoming.py::test_what_is_refused",
            f"{_BOX}/test_program.py::test_nothing_in_the_working_folder_is_run",
            "tests/export/test_signing.py::test_a_key_pair_signs_what_a_box_with_the_public_half_opens",
            "tests/systemd/test_units.py::test_the_worker_sees_engines_read_only_and_updates_see_no_study",
        ),
    ),
    Requirement(
        "R19",
        "A broken engine rolls back by itself; whatever cuts an update off, verified ones are active.",
        (
            f"{_BOX}/test_engine_switch.py::test_a_wrong_engine_is_refused_and_the_queue_goes_on_with_the_one_before",
            f"{_BOX}/test_engine_switch.py::test_new_engines_take_over_between_two_studies",
            f"{_BOX}/test_updates.py::test_a_power_cut_at_every_step_leaves_verified_engines_and_the_next_try_ends_well",
            f"{_BOX}/test_updates.py::test_a_trial_that_is_cut_off_twice_is_not_begun_again",
            f"{_BOX}/test_updates.py::test_the_same_bundle_again_mends_engines_that_were_damaged",
            f"{_BOX}/test_incoming.py::test_what_comes_while_others_are_tried_is_installed_by_the_same_run",
            f"{_HERE}/test_update_kills.py::test_kills_in_the_middle_of_updates",
            f"{_BOX}/test_trial.py::test_bounds",
            f"{_BOX}/test_trial.py::test_a_gpu_that_worked_here_and_does_not_fails_the_trial",
        ),
        "The plans of a real GPU can't be had in the tests.",
    ),
    Requirement(
        "R20",
        "Each part is a process, with a deadline, replaced when it ends or hangs, and after so many studies.",
        (
            f"{_BOX}/test_supervisor.py::test_a_child_that_lived_long_is_back_at_once",
            f"{_BOX}/test_supervisor.py::test_a_hung_process_is_replaced",
            f"{_BOX}/test_serve.py::test_a_worker_whose_gpu_fails_ends_and_the_next_one_takes_the_cpu",
            f"{_BOX}/test_serve.py::test_a_study_that_takes_too_long_three_times_is_not_analysed_and_the_next_ones_go_on",
            f"{_BOX}/test_serve.py::test_a_worker_is_replaced_after_so_many_studies",
            f"{_BOX}/test_notify.py::test_a_hung_inference_falls_silent",
            f"{_BOX}/test_analyse.py::test_a_lost_gpu_is_flagged_where_the_cpu_may_take_its_place",
            "tests/runtime/engines/test_tensorrt.py::test_where_memory_does_not_do_half_as_many_slices_from_then_on",
        ),
        "A GPU that hangs can't be had in the tests.",
    ),
    Requirement(
        "R21",
        "systemd's units with their limits, under which decoding and inference run; the share; migration and backup.",
        (
            "tests/systemd/test_units.py::test_systemd_finds_nothing_wrong",
            "tests/systemd/test_units.py::test_exposure",
            "tests/systemd/test_units.py::test_a_role_is_replaced_whatever_happens",
            "tests/systemd/test_units.py::test_a_hung_worker_is_back_within_a_minute",
            "tests/systemd/test_confined.py::test_the_intake_decodes",
            "tests/systemd/test_confined.py::test_the_worker_analyses_with_the_shipped_networks",
            "tests/systemd/test_install.py::test_installing_again_changes_nothing",
            "tests/systemd/test_samba.py::test_no_guests_and_everything_encrypted",
            f"{_BOX}/test_notify.py::test_a_worker_is_ready_with_its_engines_and_lives_while_it_works",
            f"{_BOX}/test_backup.py::test_an_older_database_is_brought_to_this_version_and_kept_beside_it",
            f"{_BOX}/test_backup.py::test_a_backup_beside_the_running_service_and_back",
        ),
        "systemd itself does not run in the tests: it reads the units, and their settings are applied without it.",
    ),
    Requirement(
        "R22",
        "Logs with event codes, metrics, no progress told, an audit whose changes show, a doctor, a support bundle.",
        (
            f"{_BOX}/test_logs.py::test_a_journal_gets_json",
            f"{_BOX}/test_logs.py::test_whatever_is_logged_has_a_code",
            f"{_BOX}/test_metrics.py::test_every_line_is_prometheus",
            f"{_BOX}/test_metrics.py::test_no_progress_counts_only_while_studies_wait",
            f"{_BOX}/test_audit.py::test_any_flipped_byte_but_of_the_last_line_shows",
            f"{_BOX}/test_updates.py::test_each_switch_and_refusal_is_in_the_audit",
            f"{_BOX}/test_doctor.py::test_a_box_that_is_right",
            f"{_BOX}/test_doctor.py::test_the_command",
        ),
    ),
    Requirement(
        "R23",
        "5,000 studies with faults: no growth, nothing lost or twice.",
        (f"{_HERE}/test_soak.py::test_thirty_studies_with_faults_lose_nothing",),
        "The growth of memory means something in the full run only.",
    ),
)
