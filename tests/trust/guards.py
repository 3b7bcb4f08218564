"""The guards of the package: its limits, deadlines and checks, each with what takes it out and the test that sees it.

A guard is a piece of text that stands once in one file. The tests of ``test_t16_guards.py`` replace it in a copy.
"""

from typing import NamedTuple

NEVER = "if False:"
RENAMES = "test_renames.py::test_what_is_told"


class Guard(NamedTuple):
    """One guard.

    Attributes:
        name: what is guarded, or against what.
        file: where it stands, from the package's folder.
        code: its text.
        without: what stands in its place once it is taken out.
        test: the test that fails then, from the tests' folder.
        slow: that takes seconds, and is done before a release only.
    """

    name: str
    file: str
    code: str
    without: str
    test: str
    slow: bool = False


def _in(file: str, *rows: tuple[str, str, str, str], slow: bool = False) -> list[Guard]:
    """The guards of one file: name, text, what takes its place, test."""
    return [Guard(name, file, code, without, test, slow) for name, code, without, test in rows]


GUARDS = (
    *_in(
        "parse.py",
        (
            "names in one object",
            "if len(pairs) > MAX_NAMES:",
            NEVER,
            "trust/test_t07_bodies.py::test_every_answer_has_its_status",
        ),
        ("a name given twice", "if len(members) != len(pairs):", NEVER, "test_parse.py::test_repeated_name"),
        (
            "a whole number beyond 64 bits",
            "return number if -(2**63) <= number < 2**63 else LargeInteger(number)",
            "return number",
            "test_parse.py::test_larger_integers_are_exact_and_told_apart",
        ),
        (
            "digits of a whole number",
            'if len(text) > MAX_DIGITS + text.startswith("-"):',
            NEVER,
            "test_parse.py::test_python_may_read_more_digits",
        ),
        (
            "digits that Python was told not to read",
            "except ValueError as error:  # Python was told",
            "except ZeroDivisionError as error:  # Python was told",
            "test_parse.py::test_python_may_read_fewer_digits",
        ),
        (
            "a number beyond doubles",
            'if number in (float("inf"), float("-inf")):',
            NEVER,
            "test_parse.py::test_refused_value",
        ),
        ("NaN and Infinity", "parse_constant=_constant", "parse_constant=float", "test_parse.py::test_refused_value"),
        ("levels of nesting", "if _too_deep(document):", NEVER, "test_parse.py::test_refused_value"),
        (
            "levels beyond what Python can do",
            "except RecursionError as error:",
            "except ZeroDivisionError as error:",
            "test_parse.py::test_refused_value",
        ),
        (
            "half a surrogate pair",
            "if _SURROGATE.search(text) and _UNPAIRED.match(text):",
            NEVER,
            "test_parse.py::test_refused_value",
        ),
        (
            "UTF-8",
            'body.decode("utf-8-sig")',
            'body.decode("utf-8-sig", errors="replace")',
            "test_parse.py::test_not_utf8",
        ),
        ("how much of a name is shown", "json.dumps(name[:40])", "json.dumps(name)", "test_parse.py::test_named"),
        ("an empty answer", "if not text or text.isspace():", NEVER, "test_parse.py::test_empty"),
    ),
    *_in(
        "parse.py",
        (
            "how far a fault is looked for",
            "_LEXEME.finditer(text, 0, min(end, _LOCATED))",
            "_LEXEME.finditer(text, 0, end)",
            "test_parse.py::test_no_place_is_made_up",
        ),
        slow=True,
    ),
    *_in(
        "sources/_network.py",
        (
            "interim answers without end",
            "self._interim > _INTERIM_LIMIT or",
            "",
            "sources/test_network.py::test_how_much_may_come_before_an_answer",
        ),
        (
            "what a library logs of our requests",
            "return not _ours.get()",
            "return True",
            "trust/test_t10_token_leaks.py::test_a_librarys_log_holds_no_token",
        ),
        (
            "a connection that is given up while TLS greets",
            "await stream.aclose()",
            "pass",
            "trust/test_t05_deadline.py::test_everything_that_never_ends_is_given_up",
        ),
        (
            "how much comes before an answer",
            "or self._received > _HEAD_LIMIT:",
            ":",
            "sources/test_network.py::test_how_much_may_come_before_an_answer",
        ),
    ),
    *_in(
        "folders.py",
        (
            "a folder that cannot be read",
            "raise _not_read(folder, error) from error",
            "return {}",
            "test_store.py::test_a_folder_that_cannot_be_written",
        ),
    ),
    *_in(
        "store.py",
        (
            "nothing is recorded beside a newer version",
            "check_version(newest)",
            "pass",
            "test_newer_version.py::test_a_snapshot_is_not_recorded",
        ),
        (
            "only what a run's sign tells of is swept",
            "path.unlink() if path.stem in recorded else self._sweep(path)",
            "self._sweep(path)",
            "test_store.py::test_the_sign_of_a_pruned_run",
        ),
        (
            "a committed run keeps its answers",
            'if not self.path("observations", sign.stem).exists():',
            "if True:",
            "test_store.py::test_a_run_that_fails_leaves_nothing",
        ),
        (
            "of a run that fails nothing stays",
            "                    self._sweep(path)\n                raise",
            "                    path.unlink()\n                raise",
            "test_store.py::test_a_run_that_fails_leaves_nothing",
        ),
        (
            "a run that was pruned while it was frozen",
            "if run_id not in self.run_ids():",
            NEVER,
            "test_prune.py::test_frozen_while_it_is_pruned",
        ),
        (
            "readings beside a pruning",
            "self.months.seen() == months and all(set(self.months.files(kind)) >= had for kind, had in files)",
            "self.months.seen() == months",
            "test_prune.py::test_read_while_it_is_pruned",
        ),
        (
            "a run that is being written is not swept",
            "if is_left(path)]:",
            "]:",
            "test_recording.py::test_left_overs_are_swept",
        ),
        (
            "a baseline of a run that is there",
            "if run_id not in there:",
            NEVER,
            "trust/test_t04_damage.py::test_a_baseline_that_means_no_run",
        ),
        (
            "a file that changed is checked again",
            "if (look := state(path)) is None or self._checked.get(path, (None, 0))[0] != look:",
            "if path not in self._checked and (look := state(path), True):",
            "trust/test_t04_damage.py::test_damage_while_a_history_is_open",
        ),
        (
            "a reading while files are merged is made again",
            "if still():\n                    raise",
            "raise",
            "test_store.py::test_a_reading_while_files_are_merged_is_made_again",
        ),
    ),
    *_in(
        "verify.py",
        (
            "answers that no run tells of",
            "if kind != KINDS[0] and recorded is not None and run_id not in recorded | known:",
            NEVER,
            "test_store.py::test_answers_outlive_what_tells_of_them",
        ),
        (
            "a proof beside a pruning",
            "if not found or still():",
            "if True:",
            "test_verify.py::test_files_that_were_pruned_meanwhile",
        ),
        (
            "lines of the journal that are lost",
            "if told and not noted.damaged and not journal.reaches(files.store.folder, told):",
            NEVER,
            "test_verify.py::test_lines_of_the_journal_that_are_lost",
        ),
        (
            "verify: a file that is out of place",
            "if not here or not (",
            "if not (",
            "test_verify.py::test_a_file_out_of_its_place",
        ),
        (
            "verify: a file in another month",
            "if not here or not (is_merged(path) or {month_of(run_id) for run_id in runs} == {path.parent.name}):",
            "if not here:",
            "test_verify.py::test_a_file_out_of_its_place",
        ),
        (
            "verify: a run that is there twice",
            "if (kind, run_id) in files.sealed:\n            yield",
            "if False:\n            yield",
            "test_verify.py::test_a_run_that_is_there_twice",
        ),
        (
            "verify: the journal names a run",
            'if run_id not in pruned and files.missing("observations", run_id):',
            NEVER,
            "test_verify.py::test_a_run_that_the_journal_names",
        ),
        (
            "verify: only what was recorded is missed",
            'if entry.get("recorded") is not True or not',
            "if not",
            "test_verify.py::test_a_run_that_the_journal_names",
        ),
        (
            "verify: a pruned run is not missed",
            "if run_id not in pruned and files",
            "if files",
            "test_verify.py::test_a_run_that_the_journal_names",
        ),
        (
            "verify: a damaged note",
            "if noted is None:",
            (
                "if False:\n"
                "                pass\n"
                "            elif noted is None:\n"
                "                continue\n"
                "            elif False:"
            ),
            "test_verify.py::test_damaged_notes",
        ),
        (
            "verify: a baseline without its run",
            'elif kind == "baselines" and any(files.missing("observations", run_id) for run_id in noted):',
            "elif False:",
            "test_verify.py::test_damaged_notes",
        ),
        (
            "verify: a file of a run that is missing",
            "if files.missing(kind, run_id):",
            NEVER,
            "test_verify.py::test_a_file_of_a_run_that_is_missing",
        ),
        (
            "verify: another file than the run wrote",
            "files.sealed[kind, run_id].sha256 != expected:",
            "not expected:",
            "test_verify.py::test_other_rows",
        ),
        (
            "verify: the run before is missing",
            'if actual is None and files.missing("observations", followed):',
            NEVER,
            "test_verify.py::test_a_run_in_the_middle_that_is_missing",
        ),
        (
            "verify: another run before",
            'elif actual is not None and actual != before["sha256"]:',
            "elif False:",
            "test_verify.py::test_another_run_before",
        ),
        (
            "verify: answers that are missing",
            'if files.missing("payloads", stored):',
            NEVER,
            "test_verify.py::test_a_file_of_a_pruned_run_that_is_missing",
        ),
        (
            "verify: answers that are not held",
            "if any(digest not in bodies for digest, _ in answers):",
            NEVER,
            "test_verify.py::test_answers_that_are_not_held",
        ),
        (
            "verify: a body that is no answer",
            (
                "except ServerError:\n"
                '            yield Problem(name, "a body that is no answer", _holds("payloads", run_id))\n'
            ),
            "except ServerError:\n",
            "test_verify.py::test_a_body_that_is_no_answer",
        ),
        (
            "verify: the digest of a body",
            'sha256(row["body"]).hexdigest() != row["payload_digest"] or ',
            "",
            "test_verify.py::test_a_body_of_another_digest",
        ),
        (
            "verify: the digest of an answer",
            ' or digest(flat, ignore) != row["digest"]:',
            ":",
            "test_verify.py::test_a_body_of_another_digest",
        ),
        (
            "verify: rows that the bodies do not give",
            "strict=True)) != answers:",
            "strict=True)) != answers and False:",
            "test_verify.py::test_other_rows",
        ),
        (
            "verify: answers of a pruned run that are missing",
            "if complete and files.missing(table, run_id):",
            NEVER,
            "test_verify.py::test_a_file_of_a_pruned_run_that_is_missing",
        ),
        (
            "verify: a damaged line of the journal",
            "if noted.damaged:",
            NEVER,
            "test_journal.py::test_the_proof_names_damage",
        ),
    ),
    *_in(
        "verify.py",
        (
            "verify: rows that are not those that were merged",
            "elif not one.as_merged:",
            "elif False:",
            "test_compaction.py::test_other_rows_than_were_merged",
        ),
        slow=True,
    ),
    *_in(
        "prune.py",
        (
            "what is frozen while it is pruned",
            "what = _without_frozen(store, what)",
            "pass",
            "test_prune.py::test_frozen_while_it_is_pruned",
        ),
        (
            "the last reading of each server stays",
            'needed |= {row["run_id"] for row in last}',
            "pass",
            "test_prune.py::test_the_last_reading_of_each_server_stays",
        ),
        (
            "what a doubted server said stays",
            ' | {row["run_id"] for row in answers if row["status"] == "suspect"}',
            "",
            "test_suspicion.py::test_doubt_ends_where_others_are_asked_between",
        ),
        (
            "a baseline's run is not removed by its name",
            "if frozen := set(drop) & set(also):",
            NEVER,
            "test_misdated.py::test_runs_are_removed_by_name",
        ),
        (
            "no rule removes a misdated run",
            "kept(dated, rules, zone) | wrong",
            "kept(dated, rules, zone)",
            "test_misdated.py::test_keep_rules_do_not_count_it",
        ),
        (
            "the newest complete run stays",
            "needed = set(sorted(complete)[-1:])",
            "needed: set[str] = set()",
            "test_prune.py::test_the_newest_complete_run_stays_though_each_server_was_read_later",
        ),
        (
            "answers that are pointed at stay",
            " - pointed\n",
            "\n",
            "test_prune.py::test_what_kept_runs_point_at_survives",
        ),
        (
            "baselines stay",
            " | (set(also) & set(runs))",
            "",
            "test_prune.py::test_the_newest_complete_run_is_never_removed",
        ),
        (
            "answers of a run that is being written stay",
            "return bool(store.writing()) or not",
            "return not",
            "test_prune.py::test_a_run_recorded_meanwhile_keeps_what_it_points_at",
        ),
        (
            "answers of a run that came meanwhile stay",
            " or not set(store.run_ids()) <= set(known)",
            "",
            "test_prune.py::test_a_run_recorded_meanwhile_keeps_what_it_points_at",
        ),
        (
            "what goes is noted first",
            "            store.record_pruned(rest)\n",
            "            pass\n",
            "test_prune.py::test_what_kept_runs_point_at_survives",
        ),
        (
            "pruning is done alone",
            "    with store.alone():\n",
            '    with __import__("contextlib").nullcontext():\n',
            "test_compaction.py::test_only_one_at_a_time",
        ),
        (
            "no rule at all",
            "if not rules and not drop:",
            NEVER,
            "test_prune.py::test_the_newest_complete_run_is_never_removed",
        ),
    ),
    *_in(
        "prune.py",
        (
            "what goes is noted where there is no room",
            "            batch = _noted_without_room(store, rest)\n",
            "            batch: list[str] = []\n",
            "trust/test_t21_file_systems.py::test_a_full_disk_is_pruned",
        ),
        (
            "answers that runs point at which stay for want of room",
            "free = set(what.free) - _pointed(store, stay)",
            "free = set(what.free)",
            "trust/test_t21_file_systems.py::test_a_full_disk_is_pruned",
        ),
        slow=True,
    ),
    *_in(
        "recording.py",
        (
            "an answer that is not all there",
            "if run in whole}",
            "}",
            "test_store.py::test_an_answer_whose_file_is_gone_is_stored_again",
        ),
        (
            "answers of pruned runs are stored again",
            "_whole(store, runs) & set(runs)",
            "_whole(store, runs)",
            "test_prune.py::test_an_interrupted_pruning_is_finished_by_the_next",
        ),
        (
            "a run follows the run before",
            '"previous": before,',
            '"previous": None,',
            "test_store.py::test_each_file_is_chained",
        ),
    ),
    *_in(
        "recording.py",
        (
            "a run says that it is being written",
            "with store.begun(run_id):",
            "with suppress():",
            "test_store.py::test_nothing_of_a_run_that_is_being_written_is_tidied_away",
        ),
        (
            "ids in order when the clock is put back",
            "return max([now, *(moment + timedelta(microseconds=1) for moment in seen if moment <= limit_of(now))])",
            "return now",
            "trust/test_t15_unattended.py::test_ids_stay_in_order_when_the_clock_is_changed",
        ),
        slow=True,
    ),
    *_in(
        "formats/_soundness.py",
        (
            "how much JSON a cell holds",
            "compute.max(parts).as_py() > _PARTS or",
            "",
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "how much JSON a column holds",
            "or compute.sum(parts).as_py() > _PARTS_IN_ALL",
            "",
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "a run's id in a file",
            "not all(not one or RUN_ID.fullmatch(one) for one in ids)",
            "False",
            "formats/test_limits.py::test_what_no_run_can_say_of_itself",
        ),
        ("one run in a file", "if len(ids) > 1 or", "if", "formats/test_limits.py::test_two_runs_in_one_file"),
        (
            "a run's time in a file",
            "if not all(moment is None or moment.year in _YEARS",
            "if not all(True",
            "formats/test_limits.py::test_what_no_run_can_say_of_itself",
        ),
        (
            "texts are texts",
            "content.validate(full=True)",
            "pass",
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "a row that stands there twice",
            "if content.group_by(keys, use_threads=False).aggregate([]).num_rows < content.num_rows:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "a status that is none",
            "<= {*schema.STATUSES}:",
            "<= {*schema.STATUSES} and False:",
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "a row without its key",
            'if column.key and cells.null_count and column.name != "instance_id":',
            NEVER,
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "a number that is none",
            "compute.all(compute.is_finite(cells)).as_py() not in (True, None):",
            "False:",
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "a list or an object that is none",
            "if not _is(text, wanted):",
            NEVER,
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "JSON in a file is as strict as a server's",
            "found = strict(text)",
            "found = __import__('json').loads(text)",
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
        (
            "an instance of a model that is not there",
            "if together.group_by(_MODEL, use_threads=False).aggregate([]).num_rows > models.num_rows:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_what_a_file_says",
        ),
    ),
    *_in(
        "files.py",
        (
            "a file is closed whatever that says",
            "            file.close()\n        for left",
            "            pass\n        file.close()\n        for left",
            "formats/test_atomic.py::test_a_close_that_fails_afterwards",
        ),
        (
            "what cannot be put back is kept",
            "_keep(old, kept)",
            "pass",
            "formats/test_atomic.py::test_what_cannot_be_put_back_is_kept",
        ),
        (
            "a file takes the place of another at once",
            "            file.replace(target)",
            "            target.write_bytes(file.read_bytes())",
            "trust/test_t01_kill.py::test_a_file_is_the_acknowledged_one_or_the_next",
        ),
        (
            "a device is not replaced",
            "require_regular(target, status.st_mode)",
            "pass",
            "formats/test_atomic.py::test_no_place",
        ),
        (
            "a read-only file is not replaced",
            "if is_read_only(target, status):",
            NEVER,
            "formats/test_atomic.py::test_read_only",
        ),
        (
            "a link stays a link",
            "target = followed(path)",
            "target = Path(path)",
            "formats/test_atomic.py::test_link_stays",
        ),
        (
            "permissions stay",
            "            keep_rights(file.fileno(), target, before)\n        file.write",
            "            pass\n        file.write",
            "formats/test_atomic.py::test_permissions",
        ),
        (
            "nothing temporary stays",
            "with contextlib.suppress(OSError):\n                left.unlink()",
            "with contextlib.suppress(OSError):\n                pass",
            "formats/test_atomic.py::test_draft_dropped",
        ),
        (
            "a pair is put back",
            "if several and moved:",
            NEVER,
            "trust/test_t02_faults.py::test_every_operation_fails_once",
        ),
        (
            "what was left is swept",
            "sweep(target.parent, stem)",
            "pass",
            "trust/test_t01_kill.py::test_a_file_is_the_acknowledged_one_or_the_next",
        ),
    ),
    *_in(
        "files.py",
        (
            "a file is on the disk before it takes a name",
            "        to_disk(file)\n\n        def move",
            "        def move",
            "trust/test_t02_faults.py::test_every_operation_fails_once",
        ),
        slow=True,
    ),
    *_in(
        "write_once.py",
        (
            "a file of the history is on the disk before it takes a name",
            "            to_disk(new.file)\n",
            "            new.file.flush()\n",
            "trust/test_t02_faults.py::test_what_takes_a_name_is_on_the_disk",
        ),
        (
            "and then its name",
            "    sync_folder(path.parent)",
            "    pass",
            "trust/test_t02_faults.py::test_what_takes_a_name_is_on_the_disk",
        ),
        (
            "a file of a history overwrites none",
            "            naming(new.path, path)",
            "            new.path.replace(path)",
            "test_store.py::test_nothing_is_overwritten",
        ),
        (
            "where there are no links, a file of a history overwrites none",
            "        if os.path.lexists(path):\n            raise FileExists",
            "        if False:\n            raise FileExists",
            "test_write_once.py::test_nothing_is_overwritten",
        ),
        (
            "a file of a history is for its owner",
            "    mode = file_mode(workshop)\n",
            "    mode = 0o644\n",
            "test_store.py::test_only_the_owner_reads_it",
        ),
        (
            "a folder of a history is for its owner",
            "    mode = folder_mode(top)\n",
            "    mode = 0o755\n",
            "test_store.py::test_only_the_owner_reads_it",
        ),
        (
            "a history is for its owner",
            "if is_shared(there) else 0o700)",
            "if is_shared(there) else 0o755)",
            "test_store.py::test_only_the_owner_reads_it",
        ),
        (
            "a run is written by one process",
            "        _take_name(new, path)\n    except BaseException:",
            "        new.path.replace(path)\n    except BaseException:",
            "test_store.py::test_a_run_that_is_being_written_is_not_written_twice",
        ),
        (
            "a folder of a history that is a link",
            "    if stat.S_ISLNK(mode):",
            "    if False:",
            "test_write_once.py::test_a_link_between_is_refused",
        ),
        (
            "what is removed behind a link",
            "    require_no_links(top, path.parent)\n",
            "",
            "test_write_once.py::test_a_link_between_is_refused",
        ),
    ),
    *_in(
        "write_once.py",
        (
            "a file of a history is on the disk before it takes a name, at each step",
            "            to_disk(new.file)\n            _take",
            "            new.file.flush()\n            _take",
            "trust/test_t02_faults.py::test_every_operation_fails_once",
        ),
        (
            "a lock that has just been removed",
            "            if _stands(file, path):",
            "            if True:",
            "test_compaction.py::test_runs_and_readers_beside_it",
        ),
        slow=True,
    ),
    *_in(
        "temporary_files.py",
        (
            "a sign is not left while its process lives",
            "if not lock(file) and time.time()",
            "if False and time.time()",
            "test_recording.py::test_left_overs_are_swept",
        ),
        (
            "a sign where files cannot be locked",
            "time.time() - os.fstat(file.fileno()).st_mtime <= _OLD",
            "False",
            "test_recording.py::test_signs_where_files_cannot_be_locked",
        ),
        (
            "a file that is being written is not swept",
            "    return _if_left(path, path.unlink)",
            "    path.unlink()\n    return True",
            "formats/test_atomic.py::test_live_not_swept",
        ),
        (
            "only temporary files are swept",
            " and _NAME.fullmatch(path.name, len(stem)):",
            ":",
            "test_write_once.py::test_only_temporary_files_are_swept",
        ),
    ),
    *_in(
        "temporary_files.py",
        (
            "one pruning at a time",
            "    except BlockingIOError:\n        raise\n",
            "    except BlockingIOError:\n        return True\n",
            "test_compaction.py::test_runs_and_readers_beside_it",
        ),
        slow=True,
    ),
    *_in(
        "rights.py",
        (
            "another user's link in a folder for everybody",
            "if place.stat().st_mode & stat.S_IWOTH and status.st_uid not in (0, os.geteuid()):",
            NEVER,
            "test_planted.py::test_a_report_through_another_users_link",
        ),
        (
            "permissions become no wider",
            "if os.fstat(handle).st_mode & 0o777 & ~mode:",
            NEVER,
            "formats/test_atomic.py::test_permissions_that_cannot_be_kept",
        ),
        (
            "owner and group stay",
            "os.fchown(handle, owner, status.st_gid)",
            "pass",
            "formats/test_atomic.py::test_owner_stays",
        ),
    ),
    *_in(
        "fleet.py",
        (
            "a difference that no column holds",
            "total_of([size_difference(part)])",
            "size_difference(part)",
            "trust/test_t07_bodies.py::test_numbers_at_both_ends",
        ),
    ),
    *_in(
        "contents.py",
        (
            "a file of a newer version",
            "if about is not None:\n        _check_version(path, about)",
            "",
            "test_newer_version.py::test_any_file",
        ),
        (
            "a newer version that only a damaged file claims",
            "if claims_newer and (about := unsealed(_bytes(path))):",
            "if claims_newer and (about := {'schema_version': 9}):",
            "test_newer_version.py::test_damage_is_no_newer_version",
        ),
        (
            "no thread holds Python's bytes",
            "read(columns, use_threads=False)",
            "read(columns)",
            "cli/test_ending.py::test_files_are_read_without_threads",
        ),
        (
            "no run is read twice",
            "if len(where) < sum(map(len, held.values())):",
            NEVER,
            "test_compaction.py::test_a_copy_from_which_nothing_was_removed",
        ),
        (
            "no run of a merged file is read twice",
            "if number < len(held[path]):",
            NEVER,
            "test_compaction.py::test_a_copy_from_which_nothing_was_removed",
        ),
        (
            "a pipe in the place of a file",
            "return read_regular(path)",
            "return path.read_bytes()",
            "test_write_once.py::test_a_pipe_is_not_read",
        ),
        (
            "a file of another kind",
            'about.get("kind") != kind or ',
            "",
            "trust/test_t04_damage.py::test_no_reading_uses_a_damaged_file",
        ),
        (
            "a file under another name",
            'return bool(about.get("run_id") == path.stem)',
            "return True",
            "test_verify.py::test_a_file_under_another_runs_name",
        ),
        (
            "a merged file's list that is none",
            "except (ValueError, TypeError):",
            "except ValueError:",
            "test_store.py::test_a_merged_file_that_says_what_cannot_be",
        ),
        (
            "a merged file without a list",
            "except (ValueError, TypeError):",
            "except TypeError:",
            "test_store.py::test_a_merged_file_that_says_what_cannot_be",
        ),
    ),
    *_in(
        "contents.py",
        (
            "a merged file under another name",
            'return path.name == _name(about["runs"]) and here',
            "return here",
            "test_compaction.py::test_a_merged_file_under_another_name",
        ),
        (
            "a merged file in another month",
            'return path.name == _name(about["runs"]) and here',
            'return path.name == _name(about["runs"])',
            "test_compaction.py::test_a_merged_file_under_another_name",
        ),
        (
            "a list of runs is checked before it is used",
            '    if not whole:\n        raise _damaged(path)\n    return frozenset(about["runs"])',
            '    return frozenset(about["runs"])',
            "test_compaction.py::test_a_merged_file_under_another_name",
        ),
        slow=True,
    ),
    *_in(
        "sources/_http.py",
        (
            "wide characters in a large answer",
            "if len(answer.body) > WIDE_LIMIT and _WIDE.search(answer.body):",
            NEVER,
            "sources/test_http.py::test_an_answer_with_wide_characters_is_smaller",
        ),
        (
            "bytes of a body",
            "if body.tell() + len(chunk) > BODY_LIMIT:",
            NEVER,
            "sources/test_http.py::test_a_body_of_the_limit_is_read_and_one_byte_more_is_not",
        ),
        (
            "parts of a body",
            "if max(commas + lists + objects, 5 * objects) > PARTS_LIMIT:",
            NEVER,
            "sources/test_http.py::test_many_values_in_few_bytes_are_refused",
        ),
        (
            "objects of a body",
            "max(commas + lists + objects, 5 * objects)",
            "commas + lists + objects",
            "sources/test_http.py::test_many_values_in_few_bytes_are_refused",
        ),
        (
            "no compressed answer",
            'if _header(response, b"content-encoding").lower() not in ("", "identity"):',
            NEVER,
            "sources/test_http.py::test_refused_answers_keep_their_http_status",
        ),
        (
            "no compression asked for",
            '("Accept-Encoding", "identity"),',
            "",
            "sources/test_http.py::test_one_get_is_sent_and_nothing_else",
        ),
        (
            "at most three attempts",
            "if attempt == ATTEMPTS or pause >= deadline.left or not",
            "if pause >= deadline.left or not",
            "sources/test_http.py::test_a_refused_connection_is_tried_again",
        ),
        (
            "no pause beyond the deadline",
            "if attempt == ATTEMPTS or pause >= deadline.left or not",
            "if attempt == ATTEMPTS or not",
            "sources/test_http.py::test_a_pause_beyond_the_deadline_is_not_begun",
        ),
        (
            "only what passes is tried again",
            " or not _is_passing(error):",
            ":",
            "sources/test_http.py::test_what_will_not_mend_itself_is_asked_once",
        ),
        (
            "only certain statuses are tried again",
            "_PASSING = frozenset({429, 502, 503, 504})",
            "_PASSING = frozenset({401, 404, 500, 429, 502, 503, 504})",
            "sources/test_http.py::test_what_will_not_mend_itself_is_asked_once",
        ),
        (
            "a Retry-After beyond the deadline",
            "if wanted >= deadline.left:",
            NEVER,
            "sources/test_http.py::test_a_retry_after_beyond_the_deadline_ends_it_at_once",
        ),
        (
            "a Retry-After is honoured",
            "pause = max(pause, wanted)",
            "pause += 0",
            "sources/test_http.py::test_retry_after_is_honoured",
        ),
        (
            "at most three attempts at what is not ready",
            "if attempt == ATTEMPTS or pause >= deadline.left:",
            "if pause >= deadline.left:",
            "sources/test_http.py::test_what_is_not_ready_is_asked_again",
        ),
        (
            "no pause beyond the deadline for what is not ready",
            "if attempt == ATTEMPTS or pause >= deadline.left:",
            "if attempt == ATTEMPTS:",
            "sources/test_http.py::test_a_pause_beyond_the_deadline_is_not_begun",
        ),
        (
            "a Retry-After that is none",
            "except (ValueError, TypeError, IndexError, OverflowError):",
            "except ZeroDivisionError:",
            "sources/test_http.py::test_what_is_not_ready_is_asked_again",
        ),
        (
            "a Retry-After of many digits",
            "float(retry_after) if len(retry_after) < 10 else float(_LONGEST)",
            "float(retry_after)",
            "sources/test_http.py::test_a_retry_after_beyond_the_deadline_ends_it_at_once",
        ),
        (
            "a broken answer is not asked for again",
            (
                "in the middle of an answer: it is not asked for again\n"
                "            raise failure_of(server, error) from error"
            ),
            "in the middle of an answer\n            raise",
            "sources/test_http.py::test_what_was_cut_off_is_not_asked_for_again",
        ),
        (
            "a wrong certificate is not tried again",
            "if any(isinstance(cause, ssl.SSLError) for cause in causes):",
            NEVER,
            "sources/test_http.py::test_a_certificate_that_is_not_trusted_is_looked_at_once",
        ),
        (
            "a wrong name is not tried again",
            "if any(isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN for cause in causes):",
            NEVER,
            "sources/test_http.py::test_only_a_lookup_that_may_succeed_later_is_tried_again",
        ),
        (
            "a host name that cannot be",
            "except (httpx.InvalidURL, ValueError, OSError, ExceptionGroup) as error:",
            "except ZeroDivisionError as error:",
            "sources/test_http.py::test_a_host_that_is_none_is_unreachable",
        ),
        (
            "no redirect is followed",
            'return await _read(response, api, path_of(server.url)), _header(response, b"retry-after")',
            (
                "answer = await _read(response, api)\n"
                '                place, status = _header(response, b"location"), answer.http_status or 0\n'
                "                if place and 300 <= status < 400:\n"
                "                    moved = Server(place, token=server.token)\n"
                "                    return await _attempt(moved, api, connections)\n"
                '                return answer, _header(response, b"retry-after")'
            ),
            "trust/test_t09_token_route.py::test_a_redirect_is_not_followed",
        ),
        (
            "small pieces let others in",
            "await asyncio.sleep(0)  # many",
            "pass  # many",
            "sources/test_http.py::test_small_pieces_let_others_in",
        ),
        (
            "names of a body",
            "if answer.body.count(b'\":') > MAX_NAMES * objects:",
            NEVER,
            "trust/test_t06_memory.py::test_memory_under_a_hostile_answer",
        ),
    ),
    *_in(
        "sources/_http.py",
        (
            "total deadline",
            "async with asyncio.timeout_at(deadline.ends):",
            "async with asyncio.timeout_at(deadline.ends + 5):",
            "trust/test_t05_deadline.py::test_everything_that_never_ends_is_given_up",
        ),
        slow=True,
    ),
    *_in(
        "decode.py",
        ("status 200 only", "if http_status != 200:", NEVER, "test_decode.py::test_unauthorized_says_which_way"),
        (
            "a web page",
            'if body.removeprefix(BOM_UTF8).lstrip()[:1] == b"<":',
            NEVER,
            "trust/test_t07_bodies.py::test_every_answer_has_its_status",
        ),
        (
            "an object",
            "if not isinstance(document, dict):",
            NEVER,
            "trust/test_t07_bodies.py::test_every_answer_has_its_status",
        ),
        (
            "an error with status 200",
            'if document.get("error") is not None:',
            NEVER,
            "trust/test_t07_bodies.py::test_every_answer_has_its_status",
        ),
        ("models is a list", "if not isinstance(models, list):", NEVER, "test_decode.py::test_the_place_is_told"),
        (
            "another server, with names",
            'if models and all(isinstance(row, dict) and key not in row and "name" in row for row in models):',
            NEVER,
            "test_decode.py::test_openai_compatible_servers_are_named",
        ),
        ("a row is an object", "if not isinstance(row, dict):", NEVER, "test_decode.py::test_the_place_is_told"),
        ("a row has a key", "if key not in row:", NEVER, "test_decode.py::test_the_place_is_told"),
        (
            "a key is a text",
            "if not isinstance(row[key], str) or not row[key]:",
            NEVER,
            "test_decode.py::test_the_place_is_told",
        ),
        (
            "an OpenAI-compatible server",
            'if rows and all(isinstance(row, dict) and "state" not in row for row in rows):',
            NEVER,
            "test_collect_older.py::test_an_openai_compatible_server_is_not_lm_studio",
        ),
        (
            "only the API that was asked",
            '"models" not in document and "lmstudio_v0" in apis:',
            '"models" not in document:',
            "trust/test_t07_bodies.py::test_every_answer_has_its_status",
        ),
        (
            "how much of what stands beside is told",
            "text if len(text) <= 1000 else text[:1000] + ' ...'",
            "text",
            "test_decode.py::test_what_stands_beside_the_models_is_told",
        ),
        (
            "a large body is not read as an old server's",
            "len(body) > _SHORT or",
            "",
            "test_decode.py::test_a_large_body_is_no_old_servers",
        ),
    ),
    *_in(
        "sources/_connections.py",
        (
            "a certificate of a private authority is checked",
            "return ssl.create_default_context(cafile=ca_file)",
            "return ssl._create_unverified_context(cafile=ca_file)",
            "trust/test_t09_token_route.py::test_a_trusted_authority_does_not_excuse_the_certificate",
        ),
        (
            "no proxy",
            "return httpcore.AsyncHTTPConnection(origin, context, network_backend=network)",
            (
                'proxy = __import__("urllib.request").request.getproxies().get("http")\n'
                "        if proxy and context is None:\n"
                "            return httpcore.AsyncHTTPProxy(proxy)\n"
                "        return httpcore.AsyncHTTPConnection(origin, context, network_backend=network)"
            ),
            "trust/test_t09_token_route.py::test_a_proxy_in_the_environment_gets_nothing",
        ),
        (
            "a wrong file of authorities",
            "except (OSError, ValueError, UnsuitableFileError) as error:",
            "except ZeroDivisionError as error:",
            "sources/test_http.py::test_a_wrong_file_of_authorities_is_told_before_anybody_is_asked",
        ),
    ),
    *_in(
        "sources/_connections.py",
        (
            "a certificate of a public authority is checked",
            "return httpx.create_ssl_context()",
            "return ssl._create_unverified_context()",
            "trust/test_t09_token_route.py::test_an_untrusted_server_hears_nothing",
        ),
        (
            "a name lookup is not waited for",
            "asyncio.get_running_loop().set_default_executor(_Daemons())",
            "pass",
            "trust/test_t05_deadline.py::test_a_name_lookup_that_hangs_is_left",
        ),
        slow=True,
    ),
    *_in(
        "regular_files.py",
        (
            "a file that is read is a regular file",
            "if kind != stat.S_IFREG:",
            NEVER,
            "test_regular_files.py::test_nothing_else_is_read",
        ),
        (
            "bytes of a file that is named",
            "if status.st_size > limit:",
            NEVER,
            "sources/test_file.py::test_a_file_beyond_the_limit_is_not_read",
        ),
        (
            "a file without an end",
            "return file.read(_checked_size(path, os.fstat(file.fileno()), limit))",
            "return file.read(limit + _checked_size(path, os.fstat(file.fileno()), limit))",
            "test_regular_files.py::test_what_tells_no_size_is_not_read",
        ),
    ),
    *_in(
        "sources/file.py",
        (
            "the deadline of a saved answer",
            "async with asyncio.timeout_at(deadline.ends):",
            "async with asyncio.timeout(None):",
            "sources/test_file.py::test_a_file_that_cannot_be_read_in_time",
        ),
        slow=True,
    ),
    *_in(
        "addresses.py",
        (
            "no user or password in an address",
            'if "@" in place + path or (rest and not is_endpoint):',
            NEVER,
            "test_servers.py::test_secrets_in_an_address_are_refused_and_not_repeated",
        ),
        (
            "an address with a secret is not shown",
            'hidden = any(mark in address for mark in "@?#")',
            "hidden = False",
            "test_servers.py::test_secrets_in_an_address_are_refused_and_not_repeated",
        ),
        (
            "a scheme that is not HTTP",
            'scheme not in ("http", "https")',
            "not scheme",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
        (
            "a port that cannot be",
            "0 < int(port) <= 65535",
            "int(port) <= 65535",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
        (
            "an address that cannot be shown",
            "if not path.isprintable() or",
            "if",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
        (
            "an address with a space",
            'path.isprintable() or " " in path:',
            "path.isprintable():",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
        (
            "an address without its port",
            "(colon and not _is_port(port))",
            "(port and not _is_port(port))",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
        (
            "a saved answer with a NUL in its name",
            'if b"\\0" not in path.encode():',
            "if path.encode():",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
        (
            "the length of an interface's name",
            "len(zone) <= _ZONE_LIMIT and ",
            "",
            "test_servers.py::test_what_is_no_address_is_refused",
        ),
    ),
    *_in(
        "ownership.py",
        (
            "a file of another user",
            "if status.st_uid not in (_ROOT, os.geteuid()):",
            NEVER,
            "test_ownership.py::test_whose_a_file_is",
        ),
        (
            "a file that everybody may write",
            "if status.st_mode & stat.S_IWOTH:",
            NEVER,
            "test_ownership.py::test_whose_a_file_is",
        ),
        (
            "a file that a group may write",
            "if status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid):",
            NEVER,
            "test_ownership.py::test_whose_a_file_is",
        ),
    ),
    *_in(
        "servers.py",
        (
            "no token in an address",
            "if TOKEN.search(text):",
            NEVER,
            "test_servers.py::test_secrets_in_an_address_are_refused_and_not_repeated",
        ),
        (
            "files in a list of servers",
            'if server.source == "file" and not allow_files:',
            NEVER,
            "test_servers.py::test_files_in_a_list_are_refused",
        ),
        (
            "a token with quotes around it",
            "if self.token is not None and _is_quoted(self.token):",
            NEVER,
            "test_servers.py::test_a_token_with_quotes_around_it_is_refused",
        ),
        (
            "a malformed token",
            "if self.token is not None and not _TOKEN.fullmatch(self.token):",
            NEVER,
            "test_servers.py::test_a_malformed_token_is_refused_and_not_shown",
        ),
        (
            "a name that cannot be shown",
            "if not self.name.isprintable() or self.name != self.name.strip():",
            NEVER,
            "test_servers.py::test_a_name_must_be_one",
        ),
        (
            "two servers with one name",
            'if server.name in seen:\n            raise ConfigurationError(\n                f"two servers',
            'if False:\n            raise ConfigurationError(\n                f"two servers',
            "test_servers.py::test_two_servers_with_one_name_are_refused",
        ),
        (
            "two servers of a list with one name",
            'if server.name in seen:\n            raise ConfigurationError(\n                f"{name} line',
            'if False:\n            raise ConfigurationError(\n                f"{name} line',
            "test_servers.py::test_what_is_wrong_in_a_list_is_told_with_its_line",
        ),
        (
            "a list without a server",
            "if not servers:",
            NEVER,
            "test_servers.py::test_what_is_wrong_in_a_list_is_told_with_its_line",
        ),
        (
            "a token is not in the repr",
            "token: str | None = field(default=None, repr=False)",
            "token: str | None = field(default=None)",
            "test_servers.py::test_a_token_is_not_in_the_repr",
        ),
        (
            "a saved answer gets no token",
            ' if token is not None and server.source != "file" else server',
            " if token is not None else server",
            "test_servers.py::test_a_token_is_not_in_the_repr",
        ),
        (
            "a source that is none",
            'if server.source not in ("", *APIS):',
            NEVER,
            "test_servers.py::test_a_source_that_cannot_be",
        ),
        (
            "a source for a saved answer",
            'if server.source not in ("", "file"):',
            NEVER,
            "test_servers.py::test_a_source_that_cannot_be",
        ),
    ),
    *_in(
        "tokens.py",
        (
            "a token that is a word",
            "    if not is_secret(token):\n        return False\n",
            "",
            "test_tokens.py::test_a_word_is_no_secret",
        ),
        (
            "a token of LM Studio's form",
            "if _RANDOM_FORM.fullmatch(token):",
            NEVER,
            "test_tokens.py::test_a_secret_is_told_from_a_word",
        ),
        (
            "a token as random as one",
            "return characters >= _RANDOM and ",
            "return False and ",
            "test_tokens.py::test_random_texts_are_secrets",
        ),
        (
            "a token spelt with escapes",
            'return b"\\\\" in body and',
            "return False and",
            "test_tokens.py::test_a_secret_is_found_in_any_spelling",
        ),
        (
            "a secret in what is told",
            "    if is_secret(token):\n        for form in",
            "    if False:\n        for form in",
            "test_tokens.py::test_a_secret_in_what_is_told_is_hidden",
        ),
        (
            "a word is taken out where it stands alone",
            "elif len(token) >= _SHORT_WORD:",
            "elif False:",
            "trust/test_t10_token_leaks.py::test_a_repeated_token_is_masked_where_the_answer_is_kept",
        ),
        (
            "a token file that others may read",
            "if not mode & 0o077:",
            "if mode:",
            "test_tokens.py::test_a_file_that_others_may_use_is_told",
        ),
        (
            "a token file is a regular file",
            "body = read_regular(path, _LIMIT)",
            'return path.read_bytes() if path.is_file() else b""',
            "test_tokens.py::test_a_token_is_read_from_files_only",
        ),
        (
            "a variable that is not set",
            "if token is None and keep.said:",
            NEVER,
            "test_tokens.py::test_a_token_in_a_variable",
        ),
    ),
    *_in(
        "collect.py",
        (
            "an answer that repeats its token",
            "if token is not None and answer.http_status in (None, 200) and contains_token(answer.body, token):",
            NEVER,
            "trust/test_t10_token_leaks.py::test_a_token_is_nowhere_whatever_fails",
        ),
        (
            "the token is taken out of what is told",
            "return hide_token(text, server.token) if server.token else text",
            "return text",
            "trust/test_t10_token_leaks.py::test_what_an_answer_repeats_is_not_told",
        ),
        (
            "a timeout that cannot be kept",
            'if not 0 < seconds < float("inf"):',
            NEVER,
            "test_collect.py::test_a_timeout_must_be_one",
        ),
        ("nobody at once", "if concurrency < 1:", NEVER, "test_collect_fleet.py::test_nobody_at_once_is_refused"),
        (
            "two servers given with one name",
            "chosen = unique(",
            "chosen = list(",
            "test_collect.py::test_two_servers_with_one_name_are_refused",
        ),
        (
            "a doubtful answer is asked for again",
            "if not (reason := self._doubt(server, first)):",
            "if True:",
            "test_suspicion.py::test_the_second_run_in_a_row_is_believed",
        ),
        (
            "a doubtful answer stays one when asking again fails",
            "if again.reading is None:",
            NEVER,
            "test_suspicion.py::test_what_was_said_before_asking_again_failed_is_still_doubted",
        ),
        (
            "an answer that the memory cannot hold",
            "except MemoryError as error:",
            "except ZeroDivisionError as error:",
            "test_collect.py::test_an_answer_that_the_memory_cannot_hold_is_one_servers",
        ),
    ),
    *_in(
        "suspicion.py",
        (
            "only the bundled model is left",
            "if set(keys) == {BUNDLED} and before > count:",
            NEVER,
            "test_suspicion.py::test_only_the_bundled_model_is_doubted",
        ),
        (
            "most models are gone",
            "if 2 * count < before and before - count >= 3:",
            NEVER,
            "test_suspicion.py::test_what_is_doubted",
        ),
        (
            "a doubt that is repeated is believed",
            " or expected.doubted == frozenset(keys)",
            "",
            "test_suspicion.py::test_what_is_doubted",
        ),
    ),
    *_in(
        "diff.py",
        (
            "only what was read on both sides is compared",
            'if before[server] == after[server] == "ok"}',
            "}",
            "test_diff.py::test_only_ok_servers_are_compared",
        ),
    ),
    *_in(
        "state_queries.py",
        (
            "only what was read counts as known",
            """return _last(f"status = 'ok' AND {until.sql}", some=some)""",
            "return _last(until.sql, some=some)",
            "test_suspicion.py::test_the_second_run_in_a_row_is_believed",
        ),
        (
            "the later answer is the one that was given later",
            "ORDER BY observed_at DESC, run_id DESC",
            "ORDER BY run_id DESC",
            "test_state.py::test_a_slow_run_that_others_overtook",
        ),
        (
            "answers from the future",
            """ AND observed_at <= TIMESTAMP '{moment}'\"""",
            '"',
            "test_misdated.py::test_a_clock_that_jumps_within_a_run",
        ),
    ),
    *_in(
        "references.py",
        (
            "runs from the future",
            "return [run_id for run_id in run_ids if run_id > limit]",
            "return []",
            "test_misdated.py::test_it_is_listed_and_left_out",
        ),
    ),
    *_in(
        "state.py",
        (
            "runs that overlap",
            "engine = self._over([*self._overlapping(first, begin), *between])",
            "engine = self._over(between)",
            "test_state.py::test_a_slow_run_that_others_overtook",
        ),
    ),
    *_in(
        "recording.py",
        (
            "a clock that was put back",
            "clock=lambda: max(began, clock() + (began - now)),",
            "clock=clock,",
            "trust/test_t15_unattended.py::test_ids_stay_in_order_when_the_clock_is_changed",
        ),
    ),
    *_in(
        "suspicion.py",
        (
            "doubt ends",
            " or expected.doubts >= DOUBTS",
            "",
            "test_suspicion.py::test_doubt_ends",
        ),
    ),
    *_in(
        "seal.py",
        (
            "the seal",
            "if counted.hexdigest().encode() != found[1]:",
            NEVER,
            "test_store.py::test_a_seal_covers_every_byte",
        ),
    ),
    *_in(
        "configuration.py",
        (
            "a token in the configuration",
            "if found := keys.TOKEN.search(text):",
            "if found := None:",
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "an unknown key",
            "if name not in keys.names(table):",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "two places of one token",
            'if "token_env" in values and "token_file" in values:',
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a variable that is none",
            'if key.name == "token_env" and not VARIABLE.fullmatch(checked):',
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a server without an address",
            'if "url" not in values:',
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a token for a saved answer",
            'if address.source == "file" and keep:',
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "two servers of the configuration with one name",
            "if (name := entry.server.name) in seen:",
            "if (name := entry.server.name) in ():",
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a server that is no table",
            "if not isinstance(several, list) or not all(isinstance(table, dict) for table in several):",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a configuration that is nested too deeply",
            "except (ValueError, RecursionError) as error:",
            "except ValueError as error:",
            "test_configuration.py::test_what_has_no_line_is_told_too",
        ),
    ),
    *_in(
        "keys.py",
        (
            "a token in the place of a key",
            "if name.lower() in _TOKEN_WORDS:",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "the type of a value",
            "if not isinstance(value, _TYPES.get(key.kind, (str,))) or isinstance(value, bool):",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "true is no number",
            " or isinstance(value, bool):",
            ":",
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "the range of a number",
            "if not key.least <= value <= key.most or (key.above and value == key.least):",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a value that is empty",
            "if not value.strip():",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a value that cannot be shown",
            "if not value.isprintable():",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
        (
            "a word that is none",
            "if key.words and value not in key.words:",
            NEVER,
            "test_configuration.py::test_what_is_wrong_is_told_with_its_line",
        ),
    ),
    *_in(
        "labels.py",
        (
            "a label that cannot be asked for",
            'if not name or "=" in name or not name.isprintable() or name != name.strip():',
            NEVER,
            "test_labels.py::test_a_label_must_be_one_that_can_be_asked_for",
        ),
        (
            "a label that means something else",
            "if name in RESERVED:",
            NEVER,
            "test_labels.py::test_a_label_must_be_one_that_can_be_asked_for",
        ),
        (
            "a label that cannot be shown",
            "if not value.isprintable():",
            NEVER,
            "test_labels.py::test_a_label_must_be_one_that_can_be_asked_for",
        ),
    ),
    *_in(
        "texts.py",
        (
            "bytes of a configuration",
            "if len(body) > LIMIT:",
            NEVER,
            "test_regular_files.py::test_a_text_without_an_end",
        ),
        (
            "a configuration is UTF-8",
            'body.decode("utf-8-sig")',
            'body.decode("utf-8-sig", errors="replace")',
            "test_configuration.py::test_what_is_no_text_is_refused",
        ),
    ),
    *_in(
        "schedules/__init__.py",
        (
            "the name of a schedule",
            'if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):',
            NEVER,
            "schedules/test_schedules.py::test_a_name_is_safe_everywhere",
        ),
        (
            "a control character in a schedule",
            'if any(unicodedata.category(one) in _NO_TEXT or one in "\\ufffe\\uffff" for one in text):',
            NEVER,
            "schedules/test_schedules.py::test_what_no_file_can_hold_is_refused",
        ),
        (
            "a file that somebody else wrote",
            "if before is not None and MARK not in text_of(before):",
            NEVER,
            "schedules/test_schedules.py::test_a_file_of_somebody_else_is_left",
        ),
        (
            "an interval that no scheduler can say",
            "if 60 % minutes and (minutes % 60 or DAY % minutes):",
            NEVER,
            "schedules/test_schedules.py::test_intervals_are_those_that_divide_the_day_evenly",
        ),
    ),
    *_in(
        "schedules/cron.py",
        ("cron: a backslash", 'if "\\\\" in command:', NEVER, "schedules/test_cron.py::test_a_backslash_is_refused"),
        (
            "cron: the length of a line",
            "if len(command.encode()) > _LONGEST:",
            NEVER,
            "schedules/test_cron.py::test_a_line_that_cron_would_not_take_is_refused",
        ),
        (
            "cron: a percent sign",
            'command = command.replace("%", "\\\\%")',
            "command = str(command)",
            "schedules/test_cron.py::test_a_word_comes_back_from_cron_and_the_shell",
        ),
        (
            "cron: words for the shell",
            "command = shlex.join(job.command)",
            'command = " ".join(job.command)',
            "schedules/test_cron.py::test_a_word_comes_back_from_cron_and_the_shell",
        ),
    ),
    *_in(
        "schedules/systemd.py",
        (
            "systemd: the path of the program",
            'if set("\\"\'\\\\") & set(program):',
            NEVER,
            "schedules/test_systemd.py::test_a_program_that_systemd_cannot_start_is_refused",
        ),
        ("systemd: a percent sign", '.replace("%", "%%")', "", "schedules/test_systemd.py::test_no_variable_is_put_in"),
        (
            "systemd: a dollar sign",
            '[f":{program}", *arguments]',
            "[program, *arguments]",
            "schedules/test_systemd.py::test_no_variable_is_put_in",
        ),
        (
            "systemd: files for their owner",
            "UMask=0077\n",
            "",
            "schedules/test_systemd.py::test_what_a_run_writes_is_for_its_user_only",
        ),
    ),
    *_in(
        "formats/_limits.py",
        ("bytes of a file", "if size > FILE_LIMIT:", NEVER, "formats/test_limits.py::test_each_limit"),
        ("bytes of the rows of a file", "if total > limit:", NEVER, "formats/test_limits.py::test_each_limit"),
    ),
    *_in(
        "formats/_pages.py",
        ("bytes of a footer", "if length > min(FOOTER_LIMIT, size):", NEVER, "formats/test_limits.py::test_each_limit"),
        (
            "what pages unpack to",
            "if unpacked > PAGE_LIMIT or total > limit or pages > _PAGES:",
            NEVER,
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "a page of less than nothing",
            "if unpacked < 0 or packed < 0:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_a_page",
        ),
        (
            "nesting in the header of a page",
            "if depth > 8:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_a_page",
        ),
        (
            "a number in the header of a page",
            "if shift > 63:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_a_page",
        ),
        (
            "what one page unpacks to",
            "if unpacked > PAGE_LIMIT or total",
            "if total",
            "formats/test_limits.py::test_each_limit",
        ),
        ("how many pages there are", " or pages > _PAGES:", ":", "formats/test_limits.py::test_each_limit"),
    ),
    *_in(
        "formats/_parts.py",
        ("parts of a workbook", "if entries > _ENTRIES:", NEVER, "formats/test_limits.py::test_each_limit"),
        (
            "what a workbook unpacks to",
            "if unpacked > min(_UNPACKED_MOST, max(_UNPACKED, _UNPACKED_RATIO * size)):",
            NEVER,
            "formats/test_limits.py::test_each_limit",
        ),
        ("elements of a workbook", "if self._elements > most:", NEVER, "formats/test_limits.py::test_each_limit"),
        ("names in a workbook", "if len(parser.intern) > _NAMES:", NEVER, "formats/test_limits.py::test_each_limit"),
        (
            "a document type",
            "parser.StartDoctypeDeclHandler = refuse",
            "pass",
            "formats/test_limits.py::test_each_check_of_a_sheet",
        ),
        (
            "one long text in a workbook",
            "if self._characters > _CELL:",
            NEVER,
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "a row that stands twice",
            "if number <= self._number:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_a_sheet",
        ),
        ("a cell that stands twice", "if missing < 0:", NEVER, "formats/test_limits.py::test_each_check_of_a_sheet"),
        (
            "a column that no sheet has",
            "if not 0 < number <= _COLUMNS:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_a_sheet",
        ),
        (
            "columns of a row",
            "if len(self._row) < _KEPT:",
            "if True:",
            "formats/test_limits.py::test_no_row_has_more_cells_than_our_tables_have_columns",
        ),
        (
            "cells that seem to be far on the right",
            "[None] * min(missing, _KEPT - len(self._row))",
            "[None] * missing",
            "formats/test_limits.py::test_no_row_has_more_cells_than_our_tables_have_columns",
        ),
        (
            "texts of a workbook",
            "if total > _CHARACTERS:",
            NEVER,
            "formats/test_limits.py::test_the_limit_of_shared_texts",
        ),
    ),
    *_in(
        "formats/_csv_look.py",
        (
            "CSV: a file that was cut off inside a text",
            " and quotes % 2 == 0",
            "",
            "formats/test_limits.py::test_a_csv_file_that_was_cut_off_at_a_line_break_in_a_text",
        ),
        (
            "CSV: bytes of the header",
            "file.read(_HEADER_LIMIT)",
            "file.read()",
            "formats/test_limits.py::test_each_limit",
        ),
    ),
    *_in(
        "formats/_csv_any.py",
        (
            "CSV: a row that was cut off",
            "if len(cells) < width and look.ended and not look.ours:",
            "if len(cells) < width:",
            "formats/test_causes.py::test_cause",
        ),
        (
            "CSV: characters of a line",
            "if len(line) >= _LINE:",
            NEVER,
            "formats/test_limits.py::test_each_limit_of_what_others_save",
        ),
        (
            "CSV: rows of what others save",
            "if total > _ROWS:",
            NEVER,
            "formats/test_limits.py::test_each_limit_of_what_others_save",
        ),
    ),
    *_in(
        "formats/_columns.py",
        (
            "a table without its names",
            "        if name not in there:\n",
            "        if False:\n",
            "formats/test_limits.py::test_a_table_without_its_names_is_refused",
        ),
        (
            "a table that is no snapshot",
            "if marks <= there:",
            NEVER,
            "formats/test_causes.py::test_tables_of_the_history",
        ),
    ),
    *_in(
        "formats/_texts.py",
        (
            "a number that a spreadsheet rounded",
            "    if _ROUNDED.fullmatch(text):\n",
            "    if _ROUNDED.fullmatch(text):\n        return int(float(text.replace(',', '.')))\n",
            "formats/test_csv_dialects.py::test_numbers_that_a_spreadsheet_changed",
        ),
        (
            "a number that can be two",
            'if separator != ";" and _COULD_BE_GROUPED.fullmatch(text):',
            NEVER,
            "formats/test_csv_dialects.py::test_a_number_that_can_be_two",
        ),
    ),
    *_in(
        "formats/csv.py",
        (
            "CSV: lines",
            "if look.lines * _width(table) > row_bytes(size_of(path)):",
            NEVER,
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "CSV: formulas",
            '_replaced(tables[0][1], _GUARD if dialect.separator == "," else _GUARD_COMMAS)',
            "tables[0][1]",
            "formats/test_csv.py::test_guard",
        ),
        (
            "CSV: formulas after another separator",
            '_STARTS = ((rf"{_INNER}([{_DANGEROUS}])", r"\\1\'\\2"), ',
            "_STARTS = (",
            "formats/test_csv.py::test_guard",
        ),
        (
            "CSV: formulas after a comma that separates nothing",
            '_GUARD if dialect.separator == "," else _GUARD_COMMAS',
            "_GUARD",
            "formats/test_csv_dialects.py::test_no_formula",
        ),
    ),
    *_in(
        "gaps.py",
        (
            "what a file cannot tell is not compared",
            "if not gaps.columns and not gaps.blanks:",
            "if True:",
            "formats/test_other_hands.py::test_a_column_less",
        ),
    ),
    *_in(
        "formats/parquet.py",
        (
            "Parquet: the footer is looked at",
            "check_footer(path)\n",
            "pass\n",
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "Parquet: the pages are looked at",
            "check_pages(path, metadata)\n",
            "pass\n",
            "formats/test_limits.py::test_each_limit",
        ),
        (
            "Parquet: texts that share their beginnings",
            "if delta - {_LENGTHS} or (delta and chunk.has_dictionary_page):",
            NEVER,
            "formats/test_other_hands.py::test_texts_that_share_their_beginnings",
        ),
        (
            "Parquet: what it says of itself",
            'if max(text.count(b","), text.count(b"["), text.count(b"{")) > _PARTS:',
            NEVER,
            "formats/test_limits.py::test_each_limit",
        ),
        ("Parquet: texts", "if size > TABLE_LIMIT:", NEVER, "formats/test_limits.py::test_each_limit"),
        (
            "Parquet: checksums of pages",
            "page_checksum_verification=True,\n        pre_buffer",
            "pre_buffer",
            "formats/test_parquet.py::test_flips_noticed",
        ),
    ),
    *_in(
        "compaction.py",
        (
            "a month in which a run is being written",
            "month_of(run_id) < newest} - busy)",
            "month_of(run_id) < newest})",
            "test_compaction.py::test_a_month_in_which_a_run_is_being_written_waits",
        ),
        (
            "merging is done alone",
            "    with store.alone():\n        return",
            '    with __import__("contextlib").nullcontext():\n        return',
            "test_compaction.py::test_closed_months_become_few_files",
        ),
    ),
    *_in(
        "compaction.py",
        (
            "rows that are not those that were merged",
            "if not one.as_merged:",
            NEVER,
            "test_compaction.py::test_other_rows_than_were_merged",
        ),
        slow=True,
    ),
    *_in(
        "flatten.py",
        (
            "no whole number is rounded",
            "and type(value) is int and int(float(value)) == value:",
            "and type(value) is int:",
            "test_flatten.py::test_no_number_is_rounded",
        ),
        (
            "names that would fill the memory",
            "if total > _NAMING + _NAMING_EACH * (len(loaded) + len(instances)):",
            NEVER,
            "test_flatten.py::test_names_may_not_fill_the_memory",
        ),
        (
            "how many repeated keys are named",
            "for key, count in repeated[:_NAMED]:",
            "for key, count in repeated:",
            "test_flatten.py::test_many_repeated_keys_are_counted",
        ),
    ),
    *_in(
        "notes.py",
        (
            "the name of a baseline",
            "if not _BASELINE.fullmatch(name) or no_name(name):",
            "if no_name(name):",
            "test_store.py::test_baselines",
        ),
        (
            "a baseline is as it was frozen, under its name",
            "if RUN_ID.fullmatch(run_id) and body == _frozen(path.stem, run_id) else None",
            "",
            "test_verify.py::test_damaged_notes",
        ),
        (
            "a baseline named as Windows names a device",
            "fullmatch(name) or no_name(name):",
            "fullmatch(name):",
            "test_files.py::test_no_baseline_is_named_as_a_device",
        ),
        ("a baseline is frozen for good", "elif frozen != run_id:", "elif False:", "test_store.py::test_baselines"),
        (
            "the record of a pruning proves itself",
            'if record["sha256"] == _sum(record["runs"]) else None',
            "",
            "trust/test_t04_damage.py::test_every_flipped_bit_is_named",
        ),
        (
            "a damaged note is not used",
            "if runs is None:",
            "runs = runs or {}\n            if False:",
            "trust/test_t04_damage.py::test_no_reading_uses_a_damaged_file",
        ),
    ),
    *_in(
        "journal.py",
        (
            "a torn line is left",
            'if file.seek(0, io.SEEK_END) and _last_byte(file) != b"\\n":',
            NEVER,
            "test_journal.py::test_rubbish_is_skipped",
        ),
        (
            "half a line is told",
            "if written != len(line):",
            NEVER,
            "test_journal.py::test_half_a_line_is_told_and_left",
        ),
        (
            "the journal is for its owner",
            "mode = file_mode(Path(path).parent)",
            "mode = 0o644",
            "test_journal.py::test_only_the_owner_reads_it",
        ),
        (
            "lines are added",
            '"a+", opener=_opened',
            '"r+" if path.exists() else "a+", opener=_opened',
            "test_journal.py::test_runs_at_the_same_time_do_not_mix",
        ),
        (
            "a line proves itself",
            "entry if _line(entry) == line else None",
            "dict(entry)",
            "test_journal.py::test_damage_is_told",
        ),
    ),
    *_in(
        "journal.py",
        (
            "a line is on the disk",
            "            to_disk(file)\n",
            "",
            "trust/test_t02_faults.py::test_the_journal_is_on_the_disk_before_a_run_ends",
        ),
        slow=True,
    ),
    *_in(
        "schedules/launchd.py",
        (
            "launchd: files for their owner",
            '"Umask": 0o077,',
            "",
            "schedules/test_launchd.py::test_what_it_says_goes_into_a_log_that_only_the_user_reads",
        ),
    ),
    *_in(
        "schedules/windows.py",
        (
            "Windows: a variable in a name",
            "if _REPLACED.search(program) or _REPLACED.search(line):",
            NEVER,
            "schedules/test_windows.py::test_what_would_be_replaced_is_refused",
        ),
        (
            "Windows: the length of a path",
            "if len(program) > _LONGEST:",
            NEVER,
            "schedules/test_windows.py::test_a_program_too_far_away_is_refused",
        ),
        (
            "Windows: the number of times",
            "if len(job.at) > _MOST:",
            NEVER,
            "schedules/test_windows.py::test_more_times_than_a_task_can_have_are_refused",
        ),
    ),
    *_in(
        "cli/schedule.py",
        (
            "standard input for a scheduled run",
            'if value == "-":',
            NEVER,
            "cli/test_schedule_command.py::test_what_cannot_be_scheduled_is_one_line",
        ),
        (
            "a list that means another file elsewhere",
            "if answer != server.url and not Path(answer).is_absolute():",
            NEVER,
            "cli/test_schedule_command.py::test_a_list_with_answers_of_this_folder_is_refused",
        ),
        (
            "a token that a scheduled run has not",
            'if keep.kind == "variable" and (keep.name in os.environ or keep.said):',
            NEVER,
            "cli/test_schedule_command.py::test_no_token_is_written_or_said",
        ),
    ),
    *_in(
        "cli/_shared.py",
        (
            "a token in a message",
            'line = _A_TOKEN.sub("[token]", " ".join(str(error).splitlines()))',
            'line = " ".join(str(error).splitlines())',
            "trust/test_t10_token_leaks.py::test_a_token_given_by_mistake_is_not_repeated",
        ),
        (
            "a message is plain",
            "{plain(line)}",
            "{line}",
            "cli/test_main.py::test_an_error_is_one_line_whatever_a_file_is_called",
        ),
    ),
    *_in(
        "cli/_files.py",
        (
            "one file for two outputs",
            "if path in seen:",
            NEVER,
            "cli/test_snapshot.py::test_wrong_targets_are_usage_errors",
        ),
        (
            "a folder that is missing",
            "    if not there:",
            NEVER,
            "cli/test_snapshot.py::test_a_missing_folder_is_told_before_anybody_is_asked",
        ),
        (
            "an unknown placeholder",
            'if "}" in filled.partition("{")[2]:',
            NEVER,
            "cli/test_snapshot.py::test_wrong_targets_are_usage_errors",
        ),
    ),
    *_in(
        "cli/_configuration.py",
        (
            "a configuration of somebody else",
            "if reason := foreign(Path(NAME)):",
            "if reason := None:",
            "cli/test_strangers.py::test_a_configuration_of_somebody_else_is_not_used",
        ),
        (
            "a file of authorities that is missing",
            "if path is not None and not os.path.isfile(path):",
            NEVER,
            "cli/test_configuration_command.py::test_a_missing_file_of_authorities_is_told_with_its_line",
        ),
    ),
    *_in(
        "cli/snapshot.py",
        (
            "what fails needs a history",
            'if no_history and fatal - {"incomplete"}:',
            NEVER,
            "cli/test_main.py::test_help_and_usage_errors_import_nothing_heavy",
        ),
    ),
    *_in(
        "formats/__init__.py",
        (
            "a pair of one run",
            "if len(runs) > 1 or (*models.grains, *instances.grains) != schema.GRAINS:",
            NEVER,
            "formats/test_formats.py::test_swapped_pair",
        ),
        (
            "a file to be read is a regular file",
            "if not stat.S_ISREG(status.st_mode) or not status.st_size:",
            NEVER,
            "formats/test_limits.py::test_only_a_regular_file_is_read",
        ),
        (
            "a damaged file is told",
            "    except Exception as error:\n",
            "    except ZeroDivisionError as error:\n",
            "trust/test_t14_hostile_files.py::test_not_ours",
        ),
        (
            "what a file says is looked at",
            "found = check(member.read(path))",
            "found = member.read(path)",
            "trust/test_fuzz_files.py::test_seed",
        ),
        (
            "a table of nothing is not written",
            "if table and not snapshot.anything_read:",
            NEVER,
            "formats/test_formats.py::test_nothing_read_table",
        ),
        (
            "a pair is moved together",
            (
                "                moves.append((target, drafts.enter_context(drafted(target, body,"
                " several=len(targets) > 1))))"
            ),
            "                drafts.enter_context(drafted(target, body))()",
            "formats/test_atomic.py::test_pair_untouched",
        ),
        (
            "an answer in doubt is not written where nothing says so",
            "_without_doubt(overview) if _format(target) in UNMARKED else (overview, [])",
            "(overview, [])",
            "formats/test_formats.py::test_suspect_left_out",
        ),
        (
            "a grain that is not there",
            "if _format(target) in TABLES and one not in snapshot.grains:",
            NEVER,
            "formats/test_formats.py::test_one_grain",
        ),
        (
            "instances of the models beside them",
            "check_models(whole)",
            "pass",
            "formats/test_formats.py::test_strange_pair",
        ),
    ),
    *_in(
        "formats/_archive.py",
        (
            "Excel: no ZIP64 where none is needed",
            'self.open(info, "w")',
            'self.open(info, "w", force_zip64=True)',
            "formats/test_xlsx_package.py::test_any_reader_can_unpack_it",
        ),
    ),
    *_in(
        "formats/xlsx.py",
        (
            "Excel: rows",
            "if sheet.content.num_rows >= ROW_LIMIT:",
            NEVER,
            "trust/test_t13_limits.py::test_too_many_rows",
        ),
    ),
    *_in(
        "formats/_book.py",
        (
            "Excel: a workbook without tables",
            "if not grains:",
            NEVER,
            "formats/test_limits.py::test_a_table_without_its_names_is_refused",
        ),
    ),
    *_in(
        "formats/_cells.py",
        (
            "Excel: a text that looks like a formula stays one",
            'cell.data_type = "s"',
            "pass",
            "formats/test_xlsx_sheets.py::test_nothing_merged_nothing_calculated",
        ),
        (
            "Excel: a text stays a text when it is edited",
            "self._quoted if value.startswith(_LIVE) else self._plain",
            "self._plain",
            "formats/test_xlsx.py::test_what_looks_like_a_formula_stays_a_text_when_it_is_edited",
        ),
        (
            "Excel: characters of a cell",
            "if not _too_long(text):",
            "if True:",
            "trust/test_t13_limits.py::test_long_text",
        ),
        (
            "Excel: numbers that a double cannot hold",
            "not -_EXACT <= value <= _EXACT",
            "False",
            "trust/test_t11_formulas.py::test_workbook_in_libreoffice",
        ),
        (
            "Excel: what XML cannot hold",
            "value = _writable(value)",
            "value = str(value)",
            "trust/test_t13_limits.py::test_long_text",
        ),
        (
            "Excel: another long text",
            "if len(whole) != int(match[1]) or not whole.startswith(value[: match.start()]):",
            NEVER,
            "trust/test_t13_limits.py::test_long_text_lost",
        ),
        (
            "Excel: a number that is not whole",
            "if not number.is_integer() or abs(number) > _EXACT:",
            NEVER,
            "formats/test_limits.py::test_each_check_of_a_sheet",
        ),
        (
            "Excel: tags in a text",
            "{escape(value)}</t>",
            "{value}</t>",
            "trust/test_t12_round_trip.py::test_every_pair",
        ),
    ),
    *_in(
        "formats/html.py",
        (
            "HTML: the policy",
            '<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="policy" content="{policy}">',
            "formats/test_html.py::test_nothing_is_loaded_and_nothing_runs",
        ),
    ),
    *_in(
        "markup.py",
        (
            "HTML: texts are escaped",
            "return escape(visible(value))",
            "return (visible(value))",
            "test_markup.py::test_hostile_names",
        ),
        (
            "HTML: what turns the direction is shown",
            "escape(visible(value))",
            "escape((value))",
            "test_markup.py::test_controls_are_made_visible",
        ),
    ),
    *_in(
        "formats/md.py",
        (
            "Markdown: pipes and backticks",
            "_DELIMITERS.get(piece) or _code_span(piece)",
            "_code_span(piece)",
            "formats/test_md.py::test_any_text_is_a_text",
        ),
        (
            "Markdown: signs are code",
            "if _PLAIN.fullmatch(shown) and not _LINKED.search(shown):",
            'if "|" not in shown:',
            "formats/test_md.py::test_any_text_is_a_text",
        ),
        (
            "Markdown: a link",
            "if _PLAIN.fullmatch(shown) and not _LINKED.search(shown):",
            "if _PLAIN.fullmatch(shown):",
            "formats/test_md.py::test_what_a_reader_would_link_is_code",
        ),
        (
            "Markdown: a line break in a table",
            "_BREAKS.get(character, character)",
            "character",
            "formats/test_md.py::test_any_text_is_a_text",
        ),
    ),
    *_in(
        "layout.py",
        (
            "a terminal is not acted on",
            'character if character.isprintable() else character.encode("unicode_escape").decode() for',
            "character for",
            "test_report.py::test_what_a_server_sends_cannot_act_on_the_terminal",
        ),
        (
            "how far a long name widens the lines",
            "min(max(map(width, column)), _WIDEST)",
            "max(map(width, column))",
            "test_shelf.py::test_a_long_name_does_not_widen_every_line",
        ),
    ),
    *_in(
        "engines/__init__.py",
        (
            "a history is on this machine",
            'if scheme != "file":',
            NEVER,
            "engines/test_engines.py::test_where_a_history_can_be",
        ),
    ),
    *_in(
        "extras.py",
        (
            "names that are others each time",
            "if len(names) > UNKNOWN_FIELDS:",
            NEVER,
            "test_extras.py::test_names_are_counted_no_further",
        ),
        (
            "many unknown fields as one",
            "return len(unknown) > UNKNOWN_FIELDS or any(len(steps) == 2 for steps in unknown)",
            "return False",
            "test_extras.py::test_memory_does_not_grow_with_earlier_names",
        ),
    ),
    *_in(
        "engines/duckdb.py",
        ("a name in SQL", '.replace("\'", "\'\'")', "", "test_store.py::test_any_folder_name"),
        (
            "a pattern in a name",
            "if any(map(_PATTERN.search, addresses)):",
            NEVER,
            "test_store.py::test_a_folder_that_another_ones_name_would_mean",
        ),
        (
            "a folder called as a column",
            "hive_partitioning = false",
            "hive_partitioning = true",
            "test_history_folders.py::test_same_answers",
        ),
        (
            "a name that begins with ~",
            "str(path.absolute())",
            "str(path)",
            "test_history_folders.py::test_names_that_could_mean_another_place",
        ),
    ),
    *_in(
        "cli/__init__.py",
        (
            "more memory than there is",
            "except (InventoryError, OSError, MemoryError) as error:",
            "except (InventoryError, OSError) as error:",
            "cli/test_main.py::test_what_the_system_refuses_is_one_line",
        ),
        (
            "a path that the system refuses",
            "elif isinstance(error, OSError) and error.filename is not None:",
            "elif isinstance(error, OSError) and False:",
            "cli/test_main.py::test_what_the_system_refuses_is_one_line",
        ),
    ),
    *_in(
        "__main__.py",
        (
            "an interruption while it is loaded",
            "signal.signal(signal.SIGINT, signal.SIG_DFL)",
            "pass",
            "cli/test_main.py::test_interrupted_while_it_is_loaded",
        ),
        (
            "nothing after the work",
            "os._exit(exit_codes[0])",
            "pass",
            "cli/test_ending.py::test_nothing_after_the_work",
        ),
    ),
    *_in(
        "comparison.py",
        (
            "what is no server's name",
            "if runs and servers:",
            NEVER,
            "trust/test_t15_unattended.py::test_a_server_that_no_name_can_be",
        ),
    ),
    *_in(
        "cli/_history.py",
        (
            "a history that is not there",
            "if not history.store.run_ids():",
            NEVER,
            "cli/test_missing_history.py::test_reading_nothing_ends_in_4",
        ),
    ),
    *_in(
        "cli/snapshot.py",
        (
            "a new history where one must exist",
            "if existing_history or home_of(history.store.folder):",
            NEVER,
            "cli/test_missing_history.py::test_an_existing_history_can_be_demanded",
        ),
    ),
    *_in(
        "fields.py",
        (
            "a clock among unknown fields",
            "if not _matches(inner_path, ignore):",
            "if True:",
            "test_ticking.py::test_a_clock_of_any_type_at_any_place_is_no_change",
        ),
    ),
    *_in(
        "ticking.py",
        (
            "a clock in rows that servers share",
            "table = table.set_column(place, field, pa.nulls(table.num_rows, field.type))",
            "pass",
            "test_ticking.py::test_no_stored_row_tells_a_clock",
        ),
    ),
    *_in(
        "renames.py",
        ("a rename of which too little is known", "return values if is_enough else None", "return values", RENAMES),
        (
            "a rename that could be another",
            "and old_counts[identity] == new_counts[identity] == 1",
            "and new_counts[identity]",
            RENAMES,
        ),
    ),
)
