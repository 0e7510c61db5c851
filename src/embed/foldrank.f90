! SPDX-License-Identifier: BSD-3-Clause
! foldrank.f90 - libfoldrank for Fortran programs: tune.h, with texts and communicators as Fortran
! has them. Compile it with the program:
!
!   mpifort $(pkg-config --variable=fortran_module foldrank) program.f90 \
!       $(pkg-config --cflags --libs foldrank)
!
! The function that evaluates a trial:
!
!   function evaluate(trial, group, score) bind(c) result(status)
!       type(c_ptr), value :: trial
!       integer, value :: group            ! a communicator
!       real(c_double), intent(inout) :: score
!       integer(c_int) :: status           ! 0: all is well
!
! Functions return 0, or an error whose sentence is fr_status_message().
module foldrank
    use, intrinsic :: iso_c_binding
    implicit none
    private

    type, public :: fr_tune
        private
        type(c_ptr) :: c = c_null_ptr
    end type

    abstract interface
        function fr_tune_function(trial, group, score) bind(c) result(status)
            import :: c_ptr, c_int, c_double
            type(c_ptr), value :: trial
            integer, value :: group
            real(c_double), intent(inout) :: score
            integer(c_int) :: status
        end function
    end interface

    integer, parameter, public :: fr_ok = 0

    public :: fr_tune_function
    public :: fr_tune_create, fr_tune_parse, fr_tune_destroy, fr_tune_run
    public :: fr_tune_add_float, fr_tune_add_log, fr_tune_add_int, fr_tune_add_int_log
    public :: fr_tune_add_choice, fr_tune_set, fr_tune_set_ranks_per_trial, fr_tune_set_time
    public :: fr_tune_set_log, fr_tune_catch_signals
    public :: fr_tune_trial_number, fr_tune_trial_fold, fr_tune_trial_seed, fr_tune_trial_context
    public :: fr_tune_get, fr_tune_get_text, fr_tune_report, fr_tune_should_stop
    public :: fr_tune_best_trial, fr_tune_best_score, fr_tune_best, fr_tune_best_text
    public :: fr_status_message

    interface
        function c_create(comm, name, tune) bind(c, name="fr_tune_create_f") result(status)
            import :: c_int, c_char, c_ptr
            integer, value :: comm
            character(kind=c_char), intent(in) :: name(*)
            type(c_ptr), intent(out) :: tune
            integer(c_int) :: status
        end function
        function c_parse(comm, text, tune) bind(c, name="fr_tune_parse_f") result(status)
            import :: c_int, c_char, c_ptr
            integer, value :: comm
            character(kind=c_char), intent(in) :: text(*)
            type(c_ptr), intent(out) :: tune
            integer(c_int) :: status
        end function
        subroutine c_destroy(tune) bind(c, name="fr_tune_destroy")
            import :: c_ptr
            type(c_ptr), intent(inout) :: tune
        end subroutine
        function c_run(tune, f, context) bind(c, name="fr_tune_run_f") result(status)
            import :: c_int, c_ptr, c_funptr
            type(c_ptr), value :: tune, context
            type(c_funptr), value :: f
            integer(c_int) :: status
        end function
        function c_add_float(tune, name, low, high) bind(c, name="fr_tune_add_float") &
            result(status)
            import :: c_int, c_char, c_ptr, c_double
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            real(c_double), value :: low, high
            integer(c_int) :: status
        end function
        function c_add_log(tune, name, low, high) bind(c, name="fr_tune_add_log") result(status)
            import :: c_int, c_char, c_ptr, c_double
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            real(c_double), value :: low, high
            integer(c_int) :: status
        end function
        function c_add_int(tune, name, low, high) bind(c, name="fr_tune_add_int") result(status)
            import :: c_int, c_char, c_ptr, c_int64_t
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            integer(c_int64_t), value :: low, high
            integer(c_int) :: status
        end function
        function c_add_int_log(tune, name, low, high) bind(c, name="fr_tune_add_int_log") &
            result(status)
            import :: c_int, c_char, c_ptr, c_int64_t
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            integer(c_int64_t), value :: low, high
            integer(c_int) :: status
        end function
        function c_add_choice(tune, name, values, n) bind(c, name="fr_tune_add_choice") &
            result(status)
            import :: c_int, c_char, c_ptr, c_size_t
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            type(c_ptr), intent(in) :: values(*)
            integer(c_size_t), value :: n
            integer(c_int) :: status
        end function
        function c_set(tune, key, value) bind(c, name="fr_tune_set") result(status)
            import :: c_int, c_char, c_ptr
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: key(*), value(*)
            integer(c_int) :: status
        end function
        function c_set_ranks(tune, ranks) bind(c, name="fr_tune_set_ranks_per_trial") &
            result(status)
            import :: c_int, c_ptr
            type(c_ptr), value :: tune
            integer(c_int), value :: ranks
            integer(c_int) :: status
        end function
        subroutine c_set_time(tune, seconds) bind(c, name="fr_tune_set_time")
            import :: c_ptr, c_double
            type(c_ptr), value :: tune
            real(c_double), value :: seconds
        end subroutine
        subroutine c_set_log(tune, level) bind(c, name="fr_tune_set_log")
            import :: c_ptr, c_int
            type(c_ptr), value :: tune
            integer(c_int), value :: level
        end subroutine
        subroutine fr_tune_catch_signals() bind(c, name="fr_tune_catch_signals")
        end subroutine
        function fr_tune_trial_number(trial) bind(c, name="fr_tune_trial_number") result(n)
            import :: c_ptr, c_int64_t
            type(c_ptr), value :: trial
            integer(c_int64_t) :: n
        end function
        function fr_tune_trial_fold(trial) bind(c, name="fr_tune_trial_fold") result(n)
            import :: c_ptr, c_int
            type(c_ptr), value :: trial
            integer(c_int) :: n
        end function
        function fr_tune_trial_seed(trial) bind(c, name="fr_tune_trial_seed") result(n)
            import :: c_ptr, c_int
            type(c_ptr), value :: trial
            integer(c_int) :: n
        end function
        function fr_tune_trial_context(trial) bind(c, name="fr_tune_trial_context") result(p)
            import :: c_ptr
            type(c_ptr), value :: trial
            type(c_ptr) :: p
        end function
        function c_get(trial, name) bind(c, name="fr_tune_get") result(x)
            import :: c_ptr, c_char, c_double
            type(c_ptr), value :: trial
            character(kind=c_char), intent(in) :: name(*)
            real(c_double) :: x
        end function
        function c_get_text(trial, name) bind(c, name="fr_tune_get_text") result(text)
            import :: c_ptr, c_char
            type(c_ptr), value :: trial
            character(kind=c_char), intent(in) :: name(*)
            type(c_ptr) :: text
        end function
        function c_report(trial, step, score) bind(c, name="fr_tune_report") result(stop)
            import :: c_ptr, c_int, c_int64_t, c_double
            type(c_ptr), value :: trial
            integer(c_int64_t), value :: step
            real(c_double), value :: score
            integer(c_int) :: stop
        end function
        function c_should_stop(trial) bind(c, name="fr_tune_should_stop") result(stop)
            import :: c_ptr, c_int
            type(c_ptr), value :: trial
            integer(c_int) :: stop
        end function
        function c_best_trial(tune) bind(c, name="fr_tune_best_trial") result(n)
            import :: c_ptr, c_int64_t
            type(c_ptr), value :: tune
            integer(c_int64_t) :: n
        end function
        function c_best_score(tune) bind(c, name="fr_tune_best_score") result(x)
            import :: c_ptr, c_double
            type(c_ptr), value :: tune
            real(c_double) :: x
        end function
        function c_best(tune, name) bind(c, name="fr_tune_best") result(x)
            import :: c_ptr, c_char, c_double
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            real(c_double) :: x
        end function
        function c_best_text(tune, name) bind(c, name="fr_tune_best_text") result(text)
            import :: c_ptr, c_char
            type(c_ptr), value :: tune
            character(kind=c_char), intent(in) :: name(*)
            type(c_ptr) :: text
        end function
        function c_message() bind(c, name="fr_status_message") result(text)
            import :: c_ptr
            type(c_ptr) :: text
        end function
        function c_strlen(text) bind(c, name="strlen") result(n)
            import :: c_ptr, c_size_t
            type(c_ptr), value :: text
            integer(c_size_t) :: n
        end function
    end interface

contains

    ! Of C: an empty text for NULL.
    function to_fortran(text) result(copy)
        type(c_ptr), intent(in) :: text
        character(len=:), allocatable :: copy
        character(kind=c_char), pointer :: bytes(:)
        integer :: i
        if (.not. c_associated(text)) then
            copy = ""
            return
        end if
        call c_f_pointer(text, bytes, [c_strlen(text)])
        allocate (character(len=size(bytes)) :: copy)
        do i = 1, size(bytes)
            copy(i:i) = bytes(i)
        end do
    end function

    pure function to_c(text) result(copy)
        character(len=*), intent(in) :: text
        character(len=:, kind=c_char), allocatable :: copy
        copy = trim(text)//c_null_char
    end function

    integer function fr_tune_create(comm, name, tune) result(status)
        integer, intent(in) :: comm
        character(len=*), intent(in) :: name
        type(fr_tune), intent(out) :: tune
        status = c_create(comm, to_c(name), tune%c)
    end function

    integer function fr_tune_parse(comm, text, tune) result(status)
        integer, intent(in) :: comm
        character(len=*), intent(in) :: text
        type(fr_tune), intent(out) :: tune
        status = c_parse(comm, to_c(text), tune%c)
    end function

    subroutine fr_tune_destroy(tune)
        type(fr_tune), intent(inout) :: tune
        call c_destroy(tune%c)
    end subroutine

    ! `context` comes back from fr_tune_trial_context.
    integer function fr_tune_run(tune, evaluate, context) result(status)
        type(fr_tune), intent(in) :: tune
        procedure(fr_tune_function) :: evaluate
        type(c_ptr), intent(in), optional :: context
        type(c_ptr) :: c
        c = c_null_ptr
        if (present(context)) c = context
        status = c_run(tune%c, c_funloc(evaluate), c)
    end function

    integer function fr_tune_add_float(tune, name, low, high) result(status)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name
        real(c_double), intent(in) :: low, high
        status = c_add_float(tune%c, to_c(name), low, high)
    end function

    integer function fr_tune_add_log(tune, name, low, high) result(status)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name
        real(c_double), intent(in) :: low, high
        status = c_add_log(tune%c, to_c(name), low, high)
    end function

    integer function fr_tune_add_int(tune, name, low, high) result(status)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name
        integer, intent(in) :: low, high
        status = c_add_int(tune%c, to_c(name), int(low, c_int64_t), int(high, c_int64_t))
    end function

    integer function fr_tune_add_int_log(tune, name, low, high) result(status)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name
        integer, intent(in) :: low, high
        status = c_add_int_log(tune%c, to_c(name), int(low, c_int64_t), int(high, c_int64_t))
    end function

    integer function fr_tune_add_choice(tune, name, values) result(status)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name, values(:)
        character(len=len(values) + 1, kind=c_char), target :: copies(size(values))
        type(c_ptr) :: list(size(values))
        integer :: i
        do i = 1, size(values)
            copies(i) = trim(values(i))//c_null_char
            list(i) = c_loc(copies(i))
        end do
        status = c_add_choice(tune%c, to_c(name), list, size(values, kind=c_size_t))
    end function

    integer function fr_tune_set(tune, key, value) result(status)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: key, value
        status = c_set(tune%c, to_c(key), to_c(value))
    end function

    integer function fr_tune_set_ranks_per_trial(tune, ranks) result(status)
        type(fr_tune), intent(in) :: tune
        integer, intent(in) :: ranks
        status = c_set_ranks(tune%c, ranks)
    end function

    subroutine fr_tune_set_time(tune, seconds)
        type(fr_tune), intent(in) :: tune
        real(c_double), intent(in) :: seconds
        call c_set_time(tune%c, seconds)
    end subroutine

    subroutine fr_tune_set_log(tune, level)
        type(fr_tune), intent(in) :: tune
        integer, intent(in) :: level
        call c_set_log(tune%c, level)
    end subroutine

    real(c_double) function fr_tune_get(trial, name) result(x)
        type(c_ptr), intent(in) :: trial
        character(len=*), intent(in) :: name
        x = c_get(trial, to_c(name))
    end function

    function fr_tune_get_text(trial, name) result(text)
        type(c_ptr), intent(in) :: trial
        character(len=*), intent(in) :: name
        character(len=:), allocatable :: text
        text = to_fortran(c_get_text(trial, to_c(name)))
    end function

    logical function fr_tune_report(trial, step, score) result(stop)
        type(c_ptr), intent(in) :: trial
        integer, intent(in) :: step
        real(c_double), intent(in) :: score
        stop = c_report(trial, int(step, c_int64_t), score) /= 0
    end function

    logical function fr_tune_should_stop(trial) result(stop)
        type(c_ptr), intent(in) :: trial
        stop = c_should_stop(trial) /= 0
    end function

    integer(c_int64_t) function fr_tune_best_trial(tune) result(n)
        type(fr_tune), intent(in) :: tune
        n = c_best_trial(tune%c)
    end function

    real(c_double) function fr_tune_best_score(tune) result(x)
        type(fr_tune), intent(in) :: tune
        x = c_best_score(tune%c)
    end function

    real(c_double) function fr_tune_best(tune, name) result(x)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name
        x = c_best(tune%c, to_c(name))
    end function

    function fr_tune_best_text(tune, name) result(text)
        type(fr_tune), intent(in) :: tune
        character(len=*), intent(in) :: name
        character(len=:), allocatable :: text
        text = to_fortran(c_best_text(tune%c, to_c(name)))
    end function

    function fr_status_message() result(text)
        character(len=:), allocatable :: text
        text = to_fortran(c_message())
    end function
end module
